//! A first look at all inputs: which can be read, what they show, and which go together on a grid.

use std::path::{Path, PathBuf};

use anyhow::{Result, anyhow};
use gradex::engine::Retain;
use gradex::saliency::Random;
use gradex::{Model, top};

use super::record::Key;
use crate::args::PictureArgs;
use crate::inputs::{self, Admit, Picture};
use crate::interrupt::Interrupt;
use crate::progress::Progress;
use crate::receipt::of_bytes;
use crate::run;

/// A picture that can be read.
pub struct Surveyed {
    /// Its file.
    pub path: PathBuf,
    /// Its place in the file.
    place: usize,
    /// What its results are filed under.
    pub key: Key,
    /// The most probable class.
    pub class: usize,
    /// The second.
    pub runner_up: usize,
    /// sha256 of what the network sees.
    seen: String,
}

impl Surveyed {
    /// Reads the picture again.
    pub fn read(&self, model: &Model, args: &PictureArgs) -> Result<Picture> {
        let pictures = inputs::read(&self.path, model, args, &|_| Ok(()))?;
        let gone = || anyhow!("{}: it changed since it was first read", self.path.display());
        pictures.into_iter().nth(self.place).ok_or_else(gone)
    }
}

/// Looks at every input. Those that cannot be read are said to `failed`.
pub fn survey(
    args: &PictureArgs,
    model: &Model,
    admit: &Admit<'_>,
    interrupt: &Interrupt,
    progress: &mut Progress,
    mut failed: impl FnMut(&Path, &anyhow::Error),
) -> Result<Vec<Surveyed>> {
    let (mut found, files) = (Vec::new(), inputs::expand(&args.inputs));
    progress.over_all(files.len(), "inputs looked at");
    for (path, listed) in files {
        interrupt.check()?;
        progress.begin(&path);
        match listed.and_then(|()| pictures(&path, args, model, admit)) {
            Ok(pictures) => found.extend(pictures),
            Err(error) => failed(&path, &error),
        }
        progress.done();
    }
    progress.clear();
    Ok(found)
}

fn pictures(path: &Path, args: &PictureArgs, model: &Model, admit: &Admit<'_>) -> Result<Vec<Surveyed>> {
    let surveyed = |(place, picture): (usize, Picture)| {
        let tape = model.network.forward(&picture.input, &Retain::logits())?;
        let best = top(tape.image_logits(0)?, 2);
        let class = |rank: usize| best.get(rank).or(best.first()).map_or(0, |prediction| prediction.class);
        let key = Key { input: run::shown(path, &picture), sha256: picture.sha256.clone() };
        let bytes: Vec<u8> = picture.input.iter().flat_map(|value| value.to_le_bytes()).collect();
        let seen = of_bytes(&bytes);
        Ok(Surveyed { path: path.to_owned(), place, key, class: class(0), runner_up: class(1), seen })
    };
    inputs::read(path, model, args, admit)?.into_iter().enumerate().map(surveyed).collect()
}

/// Each picture once, whatever its files are called: to count one twice would be to find certainty in nothing. What is left out
/// is said to `repeated`.
pub fn once(surveyed: Vec<Surveyed>, mut repeated: impl FnMut(String)) -> Vec<Surveyed> {
    let mut kept: Vec<Surveyed> = Vec::new();
    for one in surveyed {
        let Some(first) = kept.iter().find(|first| first.seen == one.seen) else {
            kept.push(one);
            continue;
        };
        let (first, again) = (&first.key.input, &one.key.input);
        repeated(match first == again {
            true => format!("{again} is given twice: it counts once"),
            false => format!("{again} shows the network what {first} shows: it counts once, as {first}"),
        });
    }
    kept
}

/// How many classes there are.
pub fn classes(surveyed: &[Surveyed]) -> usize {
    let mut classes: Vec<usize> = surveyed.iter().map(|one| one.class).collect();
    classes.sort_unstable();
    classes.dedup();
    classes.len()
}

/// The cell of picture number `own` on a grid of this side, and the pictures on the other cells, row by row: of classes that
/// all differ, drawn by the seed. None where there are too few classes.
pub fn grid(surveyed: &[Surveyed], own: usize, side: usize, seed: u64) -> Option<(usize, Vec<usize>)> {
    let random = Random::stream(seed, (own * 16 + side) as u64);
    let mut order: Vec<usize> = (0..surveyed.len()).filter(|other| *other != own).collect();
    order.sort_by_key(|other| random.bits(*other as u64 + 1));
    let (mut classes, mut others) = (vec![surveyed[own].class], Vec::new());
    for other in order {
        if !classes.contains(&surveyed[other].class) {
            classes.push(surveyed[other].class);
            others.push(other);
        }
    }
    let cells = side * side;
    others.truncate(cells - 1);
    (others.len() + 1 == cells).then(|| ((random.uniform(0) * cells as f64) as usize, others))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn surveyed(classes: &[usize]) -> Vec<Surveyed> {
        let one = |(place, class): (usize, &usize)| Surveyed {
            path: PathBuf::new(),
            place,
            key: Key { input: String::new(), sha256: String::new() },
            class: *class,
            runner_up: 0,
            seen: String::new(),
        };
        classes.iter().enumerate().map(one).collect()
    }

    #[test]
    fn grids_show_each_class_once() {
        let pictures = surveyed(&[1, 1, 2, 3, 3, 4, 5]);
        for own in 0..7 {
            let (cell, others) = grid(&pictures, own, 2, 9).unwrap();
            let mut shown: Vec<usize> = others.iter().chain([&own]).map(|place| pictures[*place].class).collect();
            shown.sort_unstable();
            shown.dedup();
            assert_eq!((shown.len(), cell < 4), (4, true), "{own}");
            assert_eq!(grid(&pictures, own, 2, 9), Some((cell, others)));
            assert_eq!(grid(&pictures, own, 3, 9), None);
        }
        assert_eq!(classes(&pictures), 5);
    }

    #[test]
    fn a_picture_counts_once_under_whatever_names() {
        let mut all = surveyed(&[1, 1, 2, 1]);
        for (one, (input, seen)) in all.iter_mut().zip([("a", "x"), ("a", "x"), ("b", "y"), ("./copy", "x")]) {
            (one.key.input, one.seen) = (input.to_owned(), seen.to_owned());
        }
        let mut said = Vec::new();
        let kept: Vec<String> =
            once(all, |repeated| said.push(repeated)).into_iter().map(|one| one.key.input).collect();
        assert_eq!(kept, ["a", "b"]);
        assert_eq!(
            said,
            ["a is given twice: it counts once", "./copy shows the network what a shows: it counts once, as a"]
        );
    }

    #[test]
    fn cells_and_companions_vary() {
        let pictures = surveyed(&(0..40).collect::<Vec<_>>());
        let grids: Vec<_> = (0..40).map(|own| grid(&pictures, own, 2, 0).unwrap()).collect();
        assert!((0..4).all(|cell| grids.iter().any(|(own, _)| *own == cell)));
        assert_ne!(grid(&pictures, 0, 2, 0).unwrap().1, grid(&pictures, 0, 2, 1).unwrap().1);
    }
}
