//! How much of a picture do the activations explain that know no class? Of Grad-CAM, and of maps that are noise.
//! Prints a row a photograph; docs/influence.md quotes it.
#![allow(clippy::print_stdout)]

use gradex::metrics::baselines;
use gradex::saliency::extrapolate::extrapolate;
use gradex::saliency::rank_correlation;
use gradex::{CoarseMap, Explainer, Explanation, Extrapolation, Fit, Photograph, Tape, see, top};

const MAPS: u64 = 100;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let model = gradex::embedded()?;
    println!("| photograph | Grad-CAM | with runner-up | with the middle class | noise, 5 % to 95 % | two of noise |");
    println!("|---|---|---|---|---|---|");
    for path in std::env::args().skip(1) {
        let seen = see(&model, &Photograph::open(&path)?, Fit::Squash)?;
        let explainer = Explainer::new(&model.network);
        let tape = explainer.forward(&seen.input)?;
        let logits = tape.image_logits(0)?;
        let best = top(logits, logits.len());
        let explain = |class: usize| Ok::<_, gradex::saliency::Error>(explainer.explain(&tape, &[class])?.remove(0));
        let (first, second) = (explain(best[0].class)?, explain(best[1].class)?);
        let unlike = explain(best[best.len() / 2].class)?;
        let influence = explainer.influence(&tape, &first, [Some(&second), Some(&unlike)])?;
        let noise: Vec<Explanation> =
            (0..MAPS).map(|seed| of_noise(&explainer, &tape, &first, seed)).collect::<Result<_, _>>()?;
        let alone = noise.iter().map(|one| Ok(explainer.influence(&tape, one, [None; 2])?.activations));
        let alone: Vec<Option<f64>> = alone.collect::<Result<_, gradex::saliency::Error>>()?;
        let pairs = noise.windows(2).map(|two| rank_correlation(&two[0].fine.values, &two[1].fine.values));
        let name = path.rsplit('/').next().unwrap_or_default();
        let of = |found: Option<f64>| found.map_or("-".to_owned(), |found| format!("{found:.3}"));
        println!(
            "| {name} | {} | {} | {} | {} | {} |",
            of(influence.activations),
            of(influence.other),
            of(influence.unlike),
            range(alone),
            range(pairs.collect())
        );
    }
    Ok(())
}

/// The same explanation with uniform noise for its map.
fn of_noise(
    explainer: &Explainer<'_>,
    tape: &Tape,
    like: &Explanation,
    seed: u64,
) -> gradex::saliency::Result<Explanation> {
    let (_, height, width) = like.coarse.values.dim();
    let coarse = CoarseMap::new("noise", like.coarse.point, baselines::random([height, width], seed))?;
    let excitations = explainer.excitations(tape.input_shape(), coarse.point)?;
    let fine = extrapolate(Extrapolation::ACTIVATED, &coarse, tape, 0, &excitations)?;
    Ok(Explanation { coarse, fine, ..like.clone() })
}

fn range(found: Vec<Option<f64>>) -> String {
    let mut found: Vec<f64> = found.into_iter().flatten().collect();
    found.sort_by(f64::total_cmp);
    let at = |part: f64| found[(part * (found.len() - 1) as f64).round() as usize];
    format!("{:.2} to {:.2}", at(0.05), at(0.95))
}
