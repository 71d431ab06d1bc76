//! The published composites.
//!
//! LRP: M. Kohlbrenner et al., "Towards Best Practice in Explaining Neural Network Decisions with LRP", IJCNN 2020, for
//! `epsilon-plus` (there LRP-CMP) and those with α and a flat first layer; G. Montavon et al., "Layer-Wise Relevance
//! Propagation: An Overview", 2019, for `epsilon-gamma-box`. All have ε = 1e-6.

use super::{Composite, Kind, Selector};
use crate::rules::{
    Bounds, Deconvnet, EPSILON, Guided, Pass, Rule, alpha_beta, epsilon, excitation, flat, gamma, z_box, z_plus,
};

const CONV: Kind = Kind::Op("conv2d");
const LINEAR: Kind = Kind::Op("linear");

impl Composite {
    /// Convolutions z⁺, linear layers ε.
    #[must_use]
    pub fn epsilon_plus() -> Self {
        Self::new("epsilon-plus").convolutions(z_plus())
    }

    /// As [`Composite::epsilon_plus`], the first layer with weights flat.
    #[must_use]
    pub fn epsilon_plus_flat() -> Self {
        Self::new("epsilon-plus-flat").flat_first().convolutions(z_plus())
    }

    /// Convolutions αβ with α = 2 and β = 1, linear layers ε.
    #[must_use]
    pub fn epsilon_alpha2_beta1() -> Self {
        Self::new("epsilon-alpha2-beta1").convolutions(alpha_beta(2.0))
    }

    /// As [`Composite::epsilon_alpha2_beta1`], the first layer with weights flat.
    #[must_use]
    pub fn epsilon_alpha2_beta1_flat() -> Self {
        Self::new("epsilon-alpha2-beta1-flat").flat_first().convolutions(alpha_beta(2.0))
    }

    /// The first convolution z^B with these bounds of the network's input, the others γ with γ = 0.25, linear layers ε.
    #[must_use]
    pub fn epsilon_gamma_box(bounds: &Bounds) -> Self {
        let first = Selector::kind(CONV).first();
        Self::new("epsilon-gamma-box").with(first, z_box(bounds)).convolutions(gamma(0.25))
    }

    /// Guided backprop: [`Guided`].
    #[must_use]
    pub fn guided_backprop() -> Self {
        Self::new("guided-backprop").with(Selector::kind(Kind::Activation), Guided)
    }

    /// Deconvolutional network: [`Deconvnet`].
    #[must_use]
    pub fn deconvnet() -> Self {
        Self::new("deconvnet").with(Selector::kind(Kind::Activation), Deconvnet)
    }

    /// Excitation backprop: [`excitation`] at layers with weights, average pools and sums; batch norms pass; the gradient
    /// elsewhere.
    #[must_use]
    pub fn excitation_backprop() -> Self {
        let kinds = [Kind::Weighted, Kind::AveragePool, Kind::Op("add")].into_iter();
        let all =
            kinds.fold(Self::new("excitation-backprop"), |all, kind| all.with(Selector::kind(kind), excitation()));
        all.with(Selector::kind(Kind::Op("batch_norm2d")), Pass)
    }

    fn flat_first(self) -> Self {
        self.with(Selector::kind(Kind::Weighted).first(), flat())
    }

    fn convolutions(self, rule: impl Rule + 'static) -> Self {
        self.with(Selector::kind(CONV), rule).with(Selector::kind(LINEAR), epsilon(EPSILON)).ending_in_lrp()
    }
}
