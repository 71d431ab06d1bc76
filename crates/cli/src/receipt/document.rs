//! A receipt as JSON. The keys are a contract, which docs/receipts.md describes.

use serde::de::Error;
use serde::{Deserialize, Serialize};

use super::hash;
use super::map::Map;
use crate::settings::SettingArgs;

/// The form of receipts that this program writes and reads.
pub const FORM: u32 = 1;

/// What was explained, by what, and what came out.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Receipt {
    /// [`FORM`].
    pub form: u32,
    /// The version of gradex.
    pub gradex: String,
    /// sha256 of the program's file; null where the system does not show it.
    pub program: Option<String>,
    /// What the program was built for, such as `x86_64-linux`.
    pub target: String,
    /// The kernels' level.
    pub level: String,
    /// How many threads there were. Nothing depends on it.
    pub threads: usize,
    /// The network.
    pub model: Model,
    /// What was asked of every input.
    pub parameters: Parameters,
    /// The inputs that were explained.
    pub inputs: Vec<Input>,
}

/// A network.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Model {
    /// The architecture.
    pub architecture: String,
    /// The path of the weights as given; null for those inside the program.
    pub weights: Option<String>,
    /// Of the weights' file; of a folder that of what `sha256sum *.npy` prints in it.
    pub sha256: String,
}

/// What decides about the maps besides network and input.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Parameters {
    /// How photographs reach the network's size.
    pub resize: String,
    /// The size that photographs were brought to, `[h, w]`.
    pub size: [usize; 2],
    /// The points as asked for; empty for each method's own.
    pub points: Vec<String>,
    /// How the maps at several points became one.
    pub fuse: Option<String>,
    /// The mode of extrapolation.
    pub extrapolation: String,
    /// How convolutions were computed, where not as usual: `exact`, or an algorithm.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub convolution: Option<String>,
    /// What the methods were told.
    pub settings: SettingArgs,
    /// Of the file that `settings.baseline` names, where it names one.
    pub baseline: Option<String>,
}

/// An input.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Input {
    /// Its path as given.
    pub path: String,
    /// Its place in the batch that the file holds.
    pub index: Option<usize>,
    /// Of the file.
    pub file: String,
    /// Of the decoded photograph: RGB, 8 bits each, in row-major order.
    pub pixels: String,
    /// Of what the network was given, as little-endian float32.
    pub tensor: String,
    /// The logits.
    pub logits: Logits,
    /// What was explained.
    pub explanations: Vec<Answer>,
}

/// The logits of an input.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Logits {
    /// Of the values as little-endian float32.
    pub sha256: String,
    /// One a class.
    pub values: Vec<f32>,
}

/// An explanation.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Answer {
    /// The class.
    pub class: usize,
    /// The class that it is compared with.
    pub versus: Option<usize>,
    /// The method.
    pub method: String,
    /// The node that the coarse map lies on.
    pub point: String,
    /// The method's own map.
    pub coarse: Map,
    /// The map after extrapolation.
    pub fine: Map,
}

/// A receipt with its seal: the sha256 of its compact JSON. Anybody can seal; it shows damage, not who wrote it.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Sealed {
    receipt: Receipt,
    seal: String,
}

impl Receipt {
    /// The receipt as one line of JSON.
    pub fn to_json(&self) -> serde_json::Result<String> {
        let sealed = Sealed { receipt: self.clone(), seal: self.seal()? };
        Ok(serde_json::to_string(&sealed)? + "\n")
    }

    /// Reads a receipt, and whether it is as it was sealed.
    pub fn parse(json: &[u8]) -> serde_json::Result<(Self, bool)> {
        let Sealed { receipt, seal } = serde_json::from_slice::<Sealed>(json)?;
        if !receipt.is_finite() {
            return Err(Error::custom("a number that is too large for a float32"));
        }
        let is_whole = receipt.seal()? == seal;
        Ok((receipt, is_whole))
    }

    fn is_finite(&self) -> bool {
        let of_map = |map: &Map| map.largest.is_finite() && map.means.iter().all(|mean| mean.is_finite());
        let of_input = |input: &Input| {
            input.logits.values.iter().all(|value| value.is_finite())
                && input.explanations.iter().all(|answer| of_map(&answer.coarse) && of_map(&answer.fine))
        };
        self.parameters.settings.noise_level.is_none_or(f32::is_finite) && self.inputs.iter().all(of_input)
    }

    fn seal(&self) -> serde_json::Result<String> {
        Ok(hash::of_bytes(&serde_json::to_vec(self)?))
    }
}
