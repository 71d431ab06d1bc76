//! Occlusion (M. Zeiler and R. Fergus, ECCV 2014, section 4.2).
//!
//! A square window of the baseline is laid over the image at every `stride`; with `F` the score:
//! `map = mean of F(x) - F(x with the window) over the windows that cover the pixel`.
//! Windows start at the left upper corner; the last of a row or column is cut off at the border. Positive where hiding
//! lowers the score.

use gradex_engine::{Graph, NodeId, Retain};
use ndarray::{Array2, Axis, AxisDescription, Slice};

use crate::coarse_map::CoarseMap;
use crate::error::{Error, Result};
use crate::memory::Work;
use crate::methods::passes::Passes;
use crate::methods::{About, Baseline, DEFAULT_BATCH, Method, input_only};
use crate::reason::Reason;
use crate::run::Run;

const NAME: &str = "occlusion";

/// A window that hides a part of the image.
#[derive(Debug, Clone, PartialEq)]
pub struct Occlusion {
    /// Its side in pixels; an eighth of the image's shorter side where there is none.
    pub window: Option<usize>,
    /// Pixels from window to window; half a window where there is none.
    pub stride: Option<usize>,
    /// What is seen in the window.
    pub baseline: Baseline,
    /// Images in a batch.
    pub batch: usize,
}

impl Default for Occlusion {
    fn default() -> Self {
        Self { window: None, stride: None, baseline: Baseline::Zero, batch: DEFAULT_BATCH }
    }
}

impl Occlusion {
    /// Window and stride for an image of this size.
    fn geometry(&self, [height, width]: [usize; 2]) -> Result<(usize, usize)> {
        let window = self.window.unwrap_or(height.min(width).div_ceil(8));
        let stride = self.stride.unwrap_or(window.div_ceil(2));
        let refuse = |why| Err(Error::Inapplicable { method: NAME, why });
        if window == 0 || window > height.min(width) {
            let side = height.min(width);
            return refuse(format!("a window of {window} pixels on an image of {height}x{width}: choose 1 to {side}"));
        }
        if stride == 0 || stride > window {
            return refuse(format!(
                "a stride of {stride} with a window of {window} leaves pixels uncovered: choose 1 to {window}"
            ));
        }
        Ok((window, stride))
    }
}

impl Method for Occlusion {
    fn about(&self) -> About {
        About {
            name: NAME,
            summary: "how far the score falls when a window hides the pixel",
            cost: "1 forward a window, 225 or so for a square image",
            paper: "Zeiler and Fergus, ECCV 2014",
        }
    }

    fn default_point(&self, _graph: &Graph) -> NodeId {
        NodeId::INPUT
    }

    fn retain(&self, _graph: &Graph, _point: NodeId) -> Retain {
        Retain::logits().nodes(&[NodeId::INPUT])
    }

    fn parameters(&self, _graph: &Graph) -> Vec<(&'static str, String)> {
        let pixels = |side: Option<usize>, otherwise: &str| side.map_or(otherwise.to_owned(), |side| side.to_string());
        vec![
            ("window", pixels(self.window, "an eighth of the shorter side")),
            ("stride", pixels(self.stride, "half a window")),
            ("baseline", self.baseline.to_string()),
        ]
    }

    fn work(&self) -> Work {
        Work::Scores(self.batch)
    }

    fn attribute(&self, run: &Run<'_>, point: NodeId) -> Result<Vec<CoarseMap>> {
        let one_image = |image| {
            let original = run.activation(point)?.index_axis_move(Axis(0), image);
            let (_, height, width) = original.dim();
            let (window, stride) = self.geometry([height, width])?;
            let baseline = self.baseline.of(NAME, original)?;
            let [rows, columns] = [height, width].map(|side| (side - window).div_ceil(stride) + 1);
            let covered = |sample: usize| {
                move |AxisDescription { axis, .. }: AxisDescription| {
                    let start = stride * [sample / columns, sample % columns][axis.index()];
                    Slice::from(start..(start + window).min([height, width][axis.index()]))
                }
            };
            let score = f64::from(run.objective(image)?.score);
            let (mut drop, mut windows) =
                (Array2::<f64>::zeros((height, width)), Array2::<f64>::zeros((height, width)));
            Passes::new(run, NAME, image, rows * columns, self.batch)?.scores(
                self,
                |sample, mut copy| {
                    for (mut copy, baseline) in copy.outer_iter_mut().zip(baseline.outer_iter()) {
                        copy.slice_each_axis_mut(covered(sample)).assign(&baseline.slice_each_axis(covered(sample)));
                    }
                    Ok(())
                },
                |first, scores| {
                    for (sample, hidden) in (first..).zip(scores) {
                        drop.slice_each_axis_mut(covered(sample))
                            .mapv_inplace(|sum| sum + (score - f64::from(*hidden)));
                        windows.slice_each_axis_mut(covered(sample)).mapv_inplace(|count| count + 1.0);
                    }
                    // Where no window was yet, 0.
                    let mean = (&drop / &windows.mapv(|count| count.max(1.0))).mapv(|value| value as f32);
                    Ok(CoarseMap::new(NAME, point, mean)?.because(Reason::NoPositiveEvidence))
                },
            )
        };
        input_only(self, run, point)?.map(one_image).collect()
    }
}
