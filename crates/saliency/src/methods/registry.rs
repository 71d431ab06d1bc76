//! Methods by name, as the command line takes them.

use std::sync::Arc;

use gradex_engine::NodeId;

use super::{
    AblationCam, Baseline, Cam, ContrastiveExcitationBackprop, DEFAULT_BATCH, EigenCam, ElementWiseCam,
    ExcitationBackprop, FullGrad, GradCam, GradCamPlusPlus, Gradient, GradientXInput, GuidedGradCam, HiResCam,
    IntegratedGradients, LayerCam, Lrp, Method, Noise, Occlusion, Prism, RectifiedBackprop, Rise, ScoreCam, SmoothGrad,
    VarGrad, XGradCam,
};
use crate::composites::Composite;
use crate::error::{Error, Result};
use crate::rules::Bounds;

/// What methods can be told. Each takes what concerns it; the defaults are those of its paper.
#[derive(Debug, Clone, Default)]
pub struct Settings {
    /// Seed of whatever is random.
    pub seed: u64,
    /// Samples, steps or masks; the method's own number where there is none.
    pub samples: Option<usize>,
    /// The node at which a contrastive method subtracts; the point itself where there is none.
    pub contrast_point: Option<NodeId>,
    /// Images in a batch, of methods of many passes: 8 unless said. Results do not depend on it.
    pub batch: Option<usize>,
    /// Standard deviation of smooth-grad's and var-grad's noise, as a part of the image's range: 0.15 unless said.
    pub noise_level: Option<f32>,
    /// Where integrated-gradients start, and what occlusion shows in its window.
    pub baseline: Baseline,
    /// Side of occlusion's window in pixels: an eighth of the image's shorter side unless said.
    pub window: Option<usize>,
    /// Pixels from one of occlusion's windows to the next: half a window unless said.
    pub stride: Option<usize>,
    /// The rules of the method `lrp`.
    pub rules: Option<Composite>,
    /// The range of the network's input, black and white after normalisation: `epsilon-gamma-box` needs it.
    pub bounds: Option<Bounds>,
}

impl Settings {
    fn noise(&self) -> Noise {
        let default = Noise::default();
        Noise {
            seed: self.seed,
            level: self.noise_level.unwrap_or(default.level),
            samples: self.samples.unwrap_or(default.samples),
            batch: self.batch(),
        }
    }

    fn integrated_gradients(&self) -> IntegratedGradients {
        let steps = self.samples.unwrap_or(IntegratedGradients::default().steps);
        IntegratedGradients { baseline: self.baseline.clone(), steps, batch: self.batch() }
    }

    fn occlusion(&self) -> Occlusion {
        let Self { window, stride, .. } = *self;
        Occlusion { window, stride, baseline: self.baseline.clone(), batch: self.batch() }
    }

    fn rise(&self) -> Rise {
        let default = Rise::default();
        Rise { seed: self.seed, masks: self.samples.unwrap_or(default.masks), batch: self.batch(), ..default }
    }

    fn batch(&self) -> usize {
        self.batch.unwrap_or(DEFAULT_BATCH)
    }
}

/// Every method, in the order of a listing.
#[must_use]
pub fn all(settings: &Settings) -> Vec<Arc<dyn Method>> {
    vec![
        Arc::new(GradCam),
        Arc::new(GradCamPlusPlus),
        Arc::new(XGradCam),
        Arc::new(HiResCam),
        Arc::new(LayerCam),
        Arc::new(ElementWiseCam),
        Arc::new(EigenCam),
        Arc::new(Cam),
        Arc::new(ScoreCam { batch: settings.batch() }),
        Arc::new(AblationCam { batch: settings.batch() }),
        Arc::new(Prism),
        Arc::new(Gradient),
        Arc::new(GradientXInput),
        Arc::new(SmoothGrad(settings.noise())),
        Arc::new(VarGrad(settings.noise())),
        Arc::new(settings.integrated_gradients()),
        Arc::new(GuidedGradCam),
        Arc::new(FullGrad),
        Arc::new(settings.occlusion()),
        Arc::new(settings.rise()),
        Arc::new(RectifiedBackprop::guided_backprop()),
        Arc::new(RectifiedBackprop::deconvnet()),
        Arc::new(ExcitationBackprop),
        Arc::new(ContrastiveExcitationBackprop { contrast_point: settings.contrast_point }),
        Arc::new(Lrp::epsilon_plus()),
        Arc::new(Lrp::epsilon_plus_flat()),
        Arc::new(Lrp::epsilon_alpha2_beta1()),
        Arc::new(Lrp::epsilon_alpha2_beta1_flat()),
        Arc::new(Lrp::epsilon_gamma_box(settings.bounds.as_ref())),
        Arc::new(Lrp::new(settings.rules.clone())),
    ]
}

/// The method of this name.
///
/// # Errors
/// [`Error::UnknownName`] with all there are.
pub fn find(name: &str, settings: &Settings) -> Result<Arc<dyn Method>> {
    let methods = all(settings);
    let known = methods.iter().map(|method| method.about().name).collect();
    let found = methods.into_iter().find(|method| method.about().name == name);
    found.ok_or_else(|| Error::UnknownName { kind: "method", name: name.to_owned(), known })
}
