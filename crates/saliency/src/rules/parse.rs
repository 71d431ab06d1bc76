//! Rules from text: `gamma(0.25)`.

use std::sync::Arc;

use super::{
    Bounds, Deconvnet, EPSILON, Gradient, Guided, Pass, Rule, alpha_beta, epsilon, excitation, flat, gamma, norm,
    w_square, z_box, z_plus,
};
use crate::error::{Error, Result};

/// How each rule is written; numbers in brackets are the defaults.
pub const FORMS: [&str; 13] = [
    "epsilon(1e-6)",
    "gamma(0.25)",
    "z-plus",
    "alpha-beta(2, 1)",
    "z-box(LOW, HIGH)",
    "w-square",
    "flat",
    "norm",
    "pass",
    "gradient",
    "guided",
    "deconvnet",
    "excitation",
];

/// The rule of this text: its name, and its numbers in brackets. The bounds of a `z-box` are one number each, or one a
/// channel with blanks between: `z-box(-2.1 -2.0 -1.8, 2.2 2.4 2.6)`.
///
/// # Errors
/// [`Error::Rules`] where there is no such rule, or its numbers are too many, too few or out of range.
pub fn parse(text: &str) -> Result<Arc<dyn Rule>> {
    let text = text.trim();
    let error = |why: String| Error::Rules { text: text.to_owned(), why };
    let (name, numbers) = match text.split_once('(') {
        None => (text, Vec::new()),
        Some((name, rest)) => {
            let inner = rest.trim_end().strip_suffix(')').ok_or_else(|| error("a `)` is missing".to_owned()))?;
            let lists: Result<Vec<Vec<f32>>> = inner.split(',').map(|list| numbers(list, &error)).collect();
            (name.trim_end(), lists?)
        }
    };
    let single: Option<Vec<f32>> =
        numbers.iter().map(|list| <[f32; 1]>::try_from(&list[..]).ok().map(|[x]| x)).collect();
    let rule: Arc<dyn Rule> = match (name, single.as_deref()) {
        ("epsilon", Some([])) => Arc::new(epsilon(EPSILON)),
        ("epsilon", Some([value])) if *value >= 0.0 => Arc::new(epsilon(*value)),
        ("gamma", Some([])) => Arc::new(gamma(0.25)),
        ("gamma", Some([value])) if *value >= 0.0 => Arc::new(gamma(*value)),
        ("alpha-beta", Some([])) => Arc::new(alpha_beta(2.0)),
        ("alpha-beta", Some([alpha, beta])) if *alpha >= 1.0 && (alpha - 1.0 - beta).abs() <= f32::EPSILON * alpha => {
            Arc::new(alpha_beta(*alpha))
        }
        ("alpha-beta", _) => return Err(error("it takes α of at least 1, and β = α - 1".to_owned())),
        ("z-box", _) => match &numbers[..] {
            [low, high] if low.len() != high.len() && low.len().min(high.len()) > 1 => {
                return Err(error(format!("{} lowest values and {} highest", low.len(), high.len())));
            }
            [low, high] => {
                let channels = low.len().max(high.len());
                let pairs = low.iter().cycle().zip(high.iter().cycle()).take(channels);
                if let Some((low, high)) = pairs.into_iter().find(|(low, high)| low >= high) {
                    return Err(error(format!("the lowest value {low} is not below the highest, {high}")));
                }
                Arc::new(z_box(&Bounds::new(low, high)))
            }
            _ => return Err(error("it takes the lowest and the highest value of the input".to_owned())),
        },
        ("z-plus", Some([])) => Arc::new(z_plus()),
        ("w-square", Some([])) => Arc::new(w_square()),
        ("flat", Some([])) => Arc::new(flat()),
        ("norm", Some([])) => Arc::new(norm()),
        ("pass", Some([])) => Arc::new(Pass),
        ("gradient", Some([])) => Arc::new(Gradient),
        ("guided", Some([])) => Arc::new(Guided),
        ("deconvnet", Some([])) => Arc::new(Deconvnet),
        ("excitation", Some([])) => Arc::new(excitation()),
        _ => {
            let form = FORMS.iter().find(|form| form.split('(').next() == Some(name));
            return Err(error(match form {
                Some(form) => format!("it is written {form}, with numbers that are not negative"),
                None => format!("there is no such rule; there are: {}", FORMS.join(", ")),
            }));
        }
    };
    Ok(rule)
}

fn numbers(list: &str, error: &impl Fn(String) -> Error) -> Result<Vec<f32>> {
    let number = |word: &str| {
        let value = word.parse().ok().filter(|value: &f32| value.is_finite());
        value.ok_or_else(|| error(format!("`{word}` is no finite number")))
    };
    let found: Result<Vec<f32>> = list.split_whitespace().map(number).collect();
    match found?.as_slice() {
        [] => Err(error("a number is missing".to_owned())),
        found => Ok(found.to_vec()),
    }
}
