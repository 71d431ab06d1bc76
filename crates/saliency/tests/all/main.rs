//! Every test of this crate in one program, so that it is linked once.

mod cam_family;
mod common;
mod composites;
mod diagnoses;
mod extrapolation;
mod extrapolation_settings;
mod fused;
mod grad_cam;
mod gradient_family;
mod guided_grad_cam;
mod influence;
mod never_nan;
mod perturbation;
mod prism;
mod relevance;
mod rules;
mod targets;
mod together;
