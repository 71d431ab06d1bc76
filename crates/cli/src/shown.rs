//! What a report shows of one picture.

use anyhow::Result;
use gradex::methods::About;
use gradex::saliency::Run;
use gradex::{Extrapolation, Heatmap, Model, Region, Tape, top};
use ndarray::{ArrayView3, Axis};

use crate::answers::{Answer, Answers};
use crate::args::Report;
use crate::asked::{Asked, AskedMethod, Question};
use crate::drawn::Drawn;
use crate::follow::Follow;
use crate::inputs::Picture;
use crate::interrupt::Interrupt;
use crate::judged;
use crate::page::{
    self, MapShown, Measured, MethodShown, Order, PhotographShown, QuestionShown, Stroke, Verdict, place,
};
use crate::progress::Progress;
use crate::report::label;
use crate::tile::Tile;

/// The fewest predictions that are shown.
const SHOWN: usize = 5;
/// What a map without extrapolation is called.
const PLAIN: &str = "plain";

/// A picture as the networks saw it.
struct Seen<'a> {
    tape: &'a Tape,
    unlearnt: &'a Tape,
    /// The input, `[c, h, w]`.
    image: ArrayView3<'a, f32>,
    tile: &'a Tile,
}

/// What is done with every picture.
pub struct Task<'a> {
    args: &'a Report,
    model: &'a Model,
    answers: Answers<'a>,
    /// The same with a network that forgot what it learnt.
    unlearnt: Answers<'a>,
    asked: Asked,
    interrupt: Interrupt,
}

impl<'a> Task<'a> {
    /// Of these arguments, with a model and the same one without what it learnt.
    pub fn new(
        args: &'a Report,
        [model, unlearnt]: [&'a Model; 2],
        asked: Asked,
        interrupt: Interrupt,
        progress: &Progress,
    ) -> Self {
        let answers = |model| Answers::new(model, &asked, args.ask.extrapolate, &interrupt, progress);
        Self { args, model, answers: answers(model), unlearnt: answers(unlearnt), asked, interrupt }
    }

    /// All that is to be said about one picture of a file.
    pub fn shown(&self, name: &str, picture: &Picture) -> Result<PhotographShown> {
        let tape = self.answers.explainer.forward(&picture.input)?;
        let logits = tape.image_logits(0)?;
        let tile = Tile::new(&picture.photograph, &picture.region)?;
        let unlearnt = self.unlearnt.explainer.forward(&picture.input)?;
        let image = picture.input.index_axis(Axis(0), 0).into_dimensionality()?;
        let seen = Seen { tape: &tape, unlearnt: &unlearnt, image, tile: &tile };
        let questions = self.asked.questions(logits).into_iter().map(|question| self.question(&seen, &question));
        let predictions = top(logits, SHOWN.max(self.asked.top())).into_iter();
        let whole = picture.region == Region::whole(picture.photograph.size());
        Ok(PhotographShown {
            name: name.to_owned(),
            size: picture.photograph.size(),
            picture: page::picture(tile.photograph.pixels())?,
            shown: tile.photograph.size(),
            seen: if whole { String::new() } else { "; the network saw its middle".to_owned() },
            questions: questions.collect::<Result<_>>()?,
            predictions: predictions.map(|one| (label(one.class).to_owned(), one.probability)).collect(),
            hash: picture.sha256.clone(),
        })
    }

    fn question(&self, seen: &Seen<'_>, question: &Question) -> Result<QuestionShown> {
        let Seen { tape, unlearnt, image, tile } = seen;
        let run = self.answers.explainer.run(tape, &[question.target()])?;
        let unlearnt_run = self.unlearnt.explainer.run(unlearnt, &[question.target()])?;
        let other = self.answers.other(tape, question, tape.image_logits(0)?)?;
        let follow = Follow::new(self.model, *image, question.class, self.args.steps, &self.interrupt);
        let (mut methods, mut orders) = (Vec::new(), Vec::new());
        for asked in &self.asked.methods {
            let Some(answer) = self.answers.of(tape, &run, other.as_ref(), asked)? else { continue };
            let drawn = Drawn::new(self.args.ask.extrapolate, &self.args.style, tape, &answer.explanation)?;
            let mut shown = self.method(tile, question, asked, &answer, &drawn)?;
            shown.verdicts.extend(self.by_weights(unlearnt, &unlearnt_run, asked, &answer)?);
            if answer.explanation.fine.reason.is_none() {
                orders.extend(self.orders_of(&follow, &shown.name, &drawn, methods.len())?);
            }
            methods.push(shown);
        }
        orders.push(follow.random(self.args.ask.settings.seed)?);
        let about = format!(
            "The probability of {} while pixels are exchanged in the order of the heat, in {} steps.",
            label(question.class),
            self.args.steps
        );
        Ok(QuestionShown { title: question.title(), methods, measured: Measured { about, orders } })
    }

    /// Whether the picture depends on what was learnt, where that is cheap to ask.
    fn by_weights(&self, tape: &Tape, run: &Run<'_>, asked: &AskedMethod, answer: &Answer) -> Result<Option<Verdict>> {
        let learnt = &answer.explanation.fine;
        if learnt.reason.is_some() || !answer.cheap {
            return Ok(None);
        }
        let unlearnt = self.unlearnt.of(tape, run, None, asked)?;
        Ok(unlearnt.map(|unlearnt| judged::by_weights(learnt, &unlearnt.explanation.fine)))
    }

    fn method(
        &self,
        tile: &Tile,
        question: &Question,
        asked: &AskedMethod,
        answer: &Answer,
        drawn: &Drawn,
    ) -> Result<MethodShown> {
        let About { name, summary, .. } = asked.method.about();
        let map = |(heat, how): &(&Heatmap, &str)| {
            Ok(MapShown {
                picture: page::picture(&drawn.overlay(&tile.photograph, &tile.region, heat)?)?,
                alternative: format!("{name} of {}, {how}: {}", label(question.class), place(heat.values.view())),
                caption: (*how).to_owned(),
            })
        };
        let maps: Result<Vec<MapShown>> = self.maps_of(drawn).iter().map(map).collect();
        let point = self.model.network.graph().node(answer.explanation.coarse.point).name.clone();
        Ok(MethodShown {
            name: name.to_owned(),
            about: format!("{summary}; at {point}"),
            maps: maps?,
            verdicts: verdicts(answer),
        })
    }

    /// The maps that are to be seen, and what each is called.
    fn maps_of<'d>(&self, drawn: &'d Drawn) -> Vec<(&'d Heatmap, &'static str)> {
        let how = match self.args.ask.extrapolate {
            Extrapolation::None => PLAIN,
            Extrapolation::Activated => "extrapolated",
            Extrapolation::Published => "extrapolated as published",
        };
        match &drawn.plain {
            Some(plain) if *plain == drawn.fine => vec![(plain, "plain: there is nothing to extrapolate")],
            Some(plain) => vec![(plain, PLAIN), (&drawn.fine, how)],
            None => vec![(&drawn.fine, how)],
        }
    }

    /// The curves of a method's maps, in the colour of this number.
    fn orders_of(&self, follow: &Follow<'_>, method: &str, drawn: &Drawn, colour: usize) -> Result<Vec<Order>> {
        let maps = self.maps_of(drawn);
        let order = |(heat, how): &(&Heatmap, &str)| {
            let (name, stroke) = match (maps.len(), *how) {
                (1, _) => (method.to_owned(), Stroke::Solid(colour)),
                (_, PLAIN) => (format!("{method}, {how}"), Stroke::Dashed(colour)),
                _ => (format!("{method}, {how}"), Stroke::Solid(colour)),
            };
            follow.order(name, stroke, heat.values.sum_axis(Axis(0)).view())
        };
        maps.iter().map(order).collect()
    }
}

fn verdicts(answer: &Answer) -> Vec<Verdict> {
    let fine = &answer.explanation.fine;
    let blank = fine.reason.map(|reason| Verdict {
        about: "Blank:",
        words: format!("{reason}; {}.", reason.advice()),
        doubt: true,
    });
    let influence = answer.influence.iter().flat_map(judged::by_influence);
    blank.into_iter().chain(influence).collect()
}
