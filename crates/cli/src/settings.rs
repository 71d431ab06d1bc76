//! What methods can be told.

use clap::{Args, ValueHint};
use serde::{Deserialize, Serialize};

use crate::words::{at_least_one, parse_batch, parse_noise_level, parse_samples, parse_seed};

/// What methods can be told; each takes what concerns it.
#[derive(Debug, Clone, PartialEq, Args, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SettingArgs {
    /// The node at which a contrastive method subtracts.
    #[arg(long, value_name = "NODE")]
    pub contrast_point: Option<String>,
    /// Samples, steps or masks; the method's own number without it.
    #[arg(long, value_name = "N", value_parser = parse_samples, allow_negative_numbers = true)]
    pub samples: Option<usize>,
    /// Seed of whatever is random: the same seed gives the same map.
    #[arg(long, value_name = "N", default_value_t = 0, value_parser = parse_seed, allow_negative_numbers = true)]
    pub seed: u64,
    /// Standard deviation of the noise of smooth-grad and var-grad, as a part of the image's range; 0.15 without it.
    #[arg(long, value_name = "PART", value_parser = parse_noise_level, allow_negative_numbers = true)]
    pub noise_level: Option<f32>,
    /// What integrated-gradients starts from and occlusion hides by: zero (the mean colour), blur (of 10 pixels), or a .npy
    /// file [3,H,W], normalised.
    #[arg(long, value_name = "zero|blur|FILE", default_value = "zero", value_hint = ValueHint::FilePath)]
    pub baseline: String,
    /// Side of occlusion's window in pixels; an eighth of the image's shorter side without it.
    #[arg(long, value_name = "PIXELS", value_parser = at_least_one, allow_negative_numbers = true)]
    pub window: Option<usize>,
    /// Pixels from one of occlusion's windows to the next; half a window without it.
    #[arg(long, value_name = "PIXELS", value_parser = at_least_one, allow_negative_numbers = true)]
    pub stride: Option<usize>,
    /// Images that methods of many passes send through the network at once. Results do not depend on it.
    #[arg(long, value_name = "N", value_parser = parse_batch, allow_negative_numbers = true)]
    pub batch: Option<usize>,
    /// A rule of the method lrp, such as 'conv2d = gamma(0.25)' or 'first conv2d = flat'; may be repeated. The first that
    /// matches a layer wins.
    #[arg(long = "rule", value_name = "SELECTOR = RULE")]
    pub rules: Vec<String>,
}

impl SettingArgs {
    /// Whether the command line would take these numbers too; for those that come from elsewhere.
    pub fn check(&self) -> Result<(), String> {
        let check = |name: &str, number: Option<String>, parse: &dyn Fn(&str) -> Result<(), String>| match number {
            Some(number) => parse(&number).map_err(|why| format!("{name} {number}: {why}")),
            None => Ok(()),
        };
        let text = |number: Option<usize>| number.map(|number| number.to_string());
        check("samples", text(self.samples), &|text| parse_samples(text).map(drop))?;
        check("batch", text(self.batch), &|text| parse_batch(text).map(drop))?;
        check("window", text(self.window), &|text| at_least_one(text).map(drop))?;
        check("stride", text(self.stride), &|text| at_least_one(text).map(drop))?;
        let level = self.noise_level.map(|level| level.to_string());
        check("noise_level", level, &|text| parse_noise_level(text).map(drop))
    }
}
