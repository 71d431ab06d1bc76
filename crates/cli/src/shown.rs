//! What a report shows of one picture.

use std::collections::BTreeSet;

use anyhow::Result;
use gradex::methods::About;
use gradex::{Extrapolation, Heatmap, Model, Region, Tape, top};
use ndarray::{ArrayView3, Axis};

use crate::answers::{Answer, Answers, Inquiry, Said};
use crate::args::Report;
use crate::asked::{Asked, AskedMethod, Question};
use crate::drawn::Drawn;
use crate::follow::Follow;
use crate::influence::is_cheap;
use crate::inputs::Picture;
use crate::interrupt::Interrupt;
use crate::judged;
use crate::page::{
    self, Depth, MapShown, Measured, MethodShown, Order, PhotographShown, QuestionShown, Stroke, Verdict, place,
};
use crate::progress::Progress;
use crate::report::label;
use crate::tile::Tile;

/// The fewest predictions that are shown.
const SHOWN: usize = 5;
/// What a map without extrapolation is called.
const PLAIN: &str = "plain";

/// A network that forgot everything down to this layer, asked the same.
type Forgetful<'a> = (&'a str, Inquiry<'a>);

/// A picture as the network saw it.
struct Seen<'a> {
    tape: &'a Tape,
    /// The input, `[c, h, w]`.
    image: ArrayView3<'a, f32>,
    tile: &'a Tile,
}

/// What is done with every picture.
pub struct Task<'a> {
    args: &'a Report,
    model: &'a Model,
    answers: Answers<'a>,
    /// The same with networks that forgot more and more, each with the layer down to which it did.
    forgetful: Vec<(&'a str, Answers<'a>)>,
    asked: &'a Asked,
    interrupt: Interrupt,
}

impl<'a> Task<'a> {
    /// Of these arguments, with a model and the same one forgetting more and more.
    pub fn new(
        args: &'a Report,
        model: &'a Model,
        forgetful: &'a [(String, Model)],
        asked: &'a Asked,
        interrupt: Interrupt,
        progress: &Progress,
    ) -> Self {
        let answers = |model| Answers::new(model, asked, args.ask.extrapolate, &interrupt, progress);
        let forgetful = forgetful.iter().map(|(layer, model)| (layer.as_str(), answers(model))).collect();
        Self { args, model, answers: answers(model), forgetful, asked, interrupt }
    }

    /// All that is to be said about one picture of a file, and why methods that are asked for by name are not in it.
    pub fn shown(&self, name: &str, picture: &Picture) -> Result<(PhotographShown, BTreeSet<String>)> {
        let tape = self.answers.explainer.forward(&picture.input)?;
        let logits = tape.image_logits(0)?;
        let tile = Tile::new(&picture.photograph, &picture.region)?;
        let forward = |(_, answers): &(&str, Answers<'_>)| answers.explainer.forward(&picture.input);
        let forgetful: Vec<Tape> = self.forgetful.iter().map(forward).collect::<gradex::saliency::Result<_>>()?;
        let image = picture.input.index_axis(Axis(0), 0).into_dimensionality()?;
        let seen = Seen { tape: &tape, image, tile: &tile };
        let questions = self.asked.questions(logits);
        let mut inquiry = self.answers.inquiry(&tape, &questions)?;
        let inquiries = self.forgetful.iter().zip(&forgetful);
        let inquiries = inquiries.map(|((layer, answers), tape)| Ok((*layer, answers.inquiry(tape, &questions)?)));
        let mut forgetful: Vec<Forgetful<'_>> = inquiries.collect::<Result<_>>()?;
        let (mut told, mut refused) = (Vec::new(), BTreeSet::new());
        for question in &questions {
            told.push(self.question(&seen, question, (&inquiry, &forgetful), &mut refused)?);
            inquiry.next();
            forgetful.iter_mut().for_each(|(_, inquiry)| inquiry.next());
        }
        let predictions = top(logits, SHOWN.max(self.asked.top())).into_iter();
        let whole = picture.region == Region::whole(picture.photograph.size());
        let shown = PhotographShown {
            name: name.to_owned(),
            size: picture.photograph.size(),
            picture: page::picture(tile.photograph.pixels())?,
            shown: tile.photograph.size(),
            seen: if whole { String::new() } else { "; the network saw its middle".to_owned() },
            questions: told,
            predictions: predictions.map(|one| (label(one.class).to_owned(), one.probability)).collect(),
            hash: picture.sha256.clone(),
        };
        Ok((shown, refused))
    }

    fn question(
        &self,
        seen: &Seen<'_>,
        question: &Question,
        (inquiry, forgetful): (&Inquiry<'_>, &[Forgetful<'_>]),
        refused: &mut BTreeSet<String>,
    ) -> Result<QuestionShown> {
        let Seen { tape, image, tile } = seen;
        let follow = Follow::new(self.model, *image, question.class, self.args.steps, &self.interrupt);
        let (mut methods, mut orders) = (Vec::new(), Vec::new());
        for asked in &self.asked.methods {
            let answer = match inquiry.ask(asked)? {
                Said::Answer(answer) => answer,
                Said::Nothing => continue,
                Said::Refused(error) => {
                    refused.insert(error.to_string());
                    continue;
                }
            };
            let drawn = Drawn::new(self.args.ask.extrapolate, &self.args.style, tape, &answer.explanation)?;
            let mut shown = self.method(tile, question, asked, &answer, &drawn)?;
            shown.depths = by_depths(forgetful, asked, &answer)?;
            shown.verdicts.extend(judged::by_weights(&shown.depths));
            if answer.explanation.fine.reason.is_none() {
                orders.extend(self.orders_of(&follow, &shown.name, &drawn, methods.len())?);
            }
            methods.push(shown);
        }
        orders.extend(follow.baselines(self.args.ask.settings.seed)?);
        let about = format!(
            "The probability of {} while pixels are exchanged in the order of the heat, in {} steps.",
            label(question.class),
            self.args.steps
        );
        Ok(QuestionShown {
            title: question.title(),
            methods,
            measured: Measured { about, verdicts: judged::by_curves(&orders), orders },
        })
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
            depths: Vec::new(),
            verdicts: verdicts(answer),
        })
    }

    /// The maps that are to be seen, and what each is called.
    fn maps_of<'d>(&self, drawn: &'d Drawn) -> Vec<(&'d Heatmap, &'static str)> {
        let how = match self.args.ask.extrapolate {
            Extrapolation::NONE => PLAIN,
            Extrapolation::PUBLISHED => "extrapolated as published",
            _ => "extrapolated",
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
            follow.order(name, Some(method), stroke, heat.values.sum_axis(Axis(0)).view())
        };
        maps.iter().map(order).collect()
    }
}

/// How much of the picture is left as more and more is forgotten, where that is cheap to ask.
fn by_depths(forgetful: &[Forgetful<'_>], asked: &AskedMethod, answer: &Answer) -> Result<Vec<Depth>> {
    let learnt = &answer.explanation.fine;
    if learnt.reason.is_some() || !is_cheap(asked.method.work()) {
        return Ok(Vec::new());
    }
    let mut depths = Vec::new();
    for (layer, inquiry) in forgetful {
        depths.extend(inquiry.explanation(asked)?.map(|found| judged::by_depth(layer, learnt, &found.fine)));
    }
    Ok(depths)
}

fn verdicts(answer: &Answer) -> Vec<Verdict> {
    let fine = &answer.explanation.fine;
    let blank = fine.reason.map(|reason| Verdict {
        about: "Blank:".into(),
        words: format!("{reason}; {}.", reason.advice()),
        doubt: true,
    });
    let influence = answer.influence.iter().flat_map(judged::by_influence);
    blank.into_iter().chain(influence).collect()
}
