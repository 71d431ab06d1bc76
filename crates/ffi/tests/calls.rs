//! The interface as C calls it, and every way to call it wrongly that it can notice.
#![allow(clippy::unwrap_used, clippy::undocumented_unsafe_blocks, clippy::multiple_unsafe_ops_per_block)]

use std::ffi::{c_int, c_void};
use std::path::Path;
use std::ptr::{null, null_mut};
use std::thread;

use gradex::formats::read_npy;
use gradex_c::*;

fn fixture(name: &str) -> std::path::PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fixtures").join(name)
}

fn model() -> *mut GradexModel {
    let mut model = null_mut();
    assert_eq!(unsafe { gradex_model_embedded(&mut model) }, GradexStatus::Ok);
    model
}

fn look(model: *const GradexModel, question: *const GradexQuestion) -> (GradexStatus, *mut GradexView) {
    let file = std::fs::read(fixture("images/chelsea.png")).unwrap();
    let mut view = null_mut();
    (unsafe { gradex_view_decode(model, file.as_ptr(), file.len(), question, &mut view) }, view)
}

fn question() -> GradexQuestion {
    GradexQuestion { method: null(), point: null(), extrapolation: null(), fit: null(), samples: 0, seed: 0 }
}

fn explain(view: *const GradexView, class: usize) -> *mut GradexExplanation {
    let mut explanation = null_mut();
    let status = unsafe { gradex_view_explain(view, class, None, null_mut(), &mut explanation) };
    assert_eq!(status, GradexStatus::Ok, "{}", message());
    explanation
}

fn message() -> String {
    let mut buffer = [0; 600];
    let length = unsafe { gradex_error(buffer.as_mut_ptr(), buffer.len()) };
    buffer[..length - 1].iter().map(|c| *c as u8 as char).collect()
}

type Read = unsafe extern "C" fn(*const GradexExplanation, *mut f32, usize, *mut GradexShape) -> GradexStatus;

fn map(explanation: *const GradexExplanation, read: Read) -> (GradexShape, Vec<f32>) {
    let mut shape = GradexShape { channels: 0, height: 0, width: 0 };
    assert_eq!(unsafe { read(explanation, null_mut(), 0, &mut shape) }, GradexStatus::Small);
    let mut values = vec![f32::NAN; shape.channels * shape.height * shape.width];
    assert_eq!(unsafe { read(explanation, values.as_mut_ptr(), values.len(), &mut shape) }, GradexStatus::Ok);
    (shape, values)
}

fn apart(values: &[f32], golden: &str) -> f32 {
    let golden = read_npy(&fixture(golden)).unwrap();
    assert_eq!(golden.len(), values.len());
    values.iter().zip(&golden).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max)
}

#[test]
fn the_maps_are_pytorchs_and_handles_outlive_what_they_came_from() {
    let model = model();
    let (status, view) = look(model, null());
    assert_eq!(status, GradexStatus::Ok);
    unsafe { gradex_model_free(model) };
    let (mut best, mut count) = ([GradexPrediction { class_: 0, probability: 0.0 }; 2], 0);
    assert_eq!(unsafe { gradex_view_top(view, best.as_mut_ptr(), 2, &mut count) }, GradexStatus::Ok);
    assert_eq!((count, best[0].class_), (2, 285));
    let explanation = explain(view, 285);
    unsafe { gradex_view_free(view) };

    let case = "networks/efficientnet-lite0-chelsea";
    let (shape, fine) = map(explanation, gradex_explanation_fine);
    assert_eq!(shape, GradexShape { channels: 1, height: 224, width: 224 });
    assert!(apart(&fine, &format!("{case}/expected_fine_activated.npy")) < 1e-4);
    let (shape, _) = map(explanation, gradex_explanation_coarse);
    assert_eq!((shape.height, shape.width), (7, 7));
    let mut plain = null_mut();
    assert_eq!(unsafe { gradex_explanation_plain(explanation, &mut plain) }, GradexStatus::Ok);
    let (_, unsharpened) = map(plain, gradex_explanation_fine);
    assert!(apart(&unsharpened, &format!("{case}/expected_fine_none.npy")) < 1e-4);

    let mut rgba = vec![0; 300 * 451 * 4];
    let overlay = |rgba: &mut [u8], map: *const _| unsafe {
        gradex_explanation_overlay(explanation, map, 0.5, rgba.as_mut_ptr(), rgba.len())
    };
    assert_eq!(overlay(&mut rgba, null()), GradexStatus::Ok);
    assert!(rgba.chunks(4).all(|pixel| pixel[3] == 255) && rgba.iter().any(|value| *value != 255));
    assert_eq!(overlay(&mut rgba[1..], null()), GradexStatus::Small);
    assert_eq!(overlay(&mut rgba, c"mauve".as_ptr()), GradexStatus::Refused);
    unsafe { gradex_explanation_free(explanation) };
    unsafe { gradex_explanation_free(plain) };
}

#[test]
fn pixels_give_what_the_file_gives() {
    let photograph = gradex::Photograph::open(fixture("images/chelsea.png")).unwrap();
    let rgba: Vec<u8> = photograph.pixels().pixels().flat_map(|p| [p.0[0], p.0[1], p.0[2], 77]).collect();
    let model = model();
    let mut of_pixels = null_mut();
    let status = unsafe { gradex_view_pixels(model, rgba.as_ptr(), 300, 451, null(), &mut of_pixels) };
    assert_eq!(status, GradexStatus::Ok);
    let (_, of_file) = look(model, null());
    let logits = |view| {
        let (mut logits, mut count) = (vec![0.0; 1000], 0);
        assert_eq!(unsafe { gradex_view_logits(view, logits.as_mut_ptr(), 1000, &mut count) }, GradexStatus::Ok);
        assert_eq!(count, 1000);
        logits
    };
    assert_eq!(logits(of_pixels), logits(of_file));
    let mut size = GradexSize { height: 0, width: 0 };
    assert_eq!(unsafe { gradex_view_size(of_pixels, &mut size) }, GradexStatus::Ok);
    assert_eq!((size.height, size.width), (300, 451));
    for view in [of_pixels, of_file] {
        unsafe { gradex_view_free(view) };
    }
    unsafe { gradex_model_free(model) };
}

#[test]
fn threads_share_handles() {
    let model = model();
    let (_, view) = look(model, null());
    let shared = (model as usize, view as usize);
    let threads: Vec<_> = (0..4)
        .map(|number| {
            thread::spawn(move || {
                let view = shared.1 as *const GradexView;
                let explanation = explain(view, 281 + number % 2);
                let (_, values) = map(explanation, gradex_explanation_fine);
                unsafe { gradex_explanation_free(explanation) };
                let (status, again) = look(shared.0 as *const GradexModel, null());
                assert_eq!(status, GradexStatus::Ok);
                unsafe { gradex_view_free(again) };
                values
            })
        })
        .collect();
    let maps: Vec<_> = threads.into_iter().map(|thread| thread.join().unwrap()).collect();
    assert!(maps[0] == maps[2] && maps[1] == maps[3] && maps[0] != maps[1]);
    unsafe { gradex_view_free(view) };
    unsafe { gradex_model_free(model) };
}

#[test]
fn wrong_pointers_texts_and_names_are_told_apart() {
    let model = model();
    let mut view = null_mut();
    let mut decode =
        |bytes: *const u8, length: usize| unsafe { gradex_view_decode(model, bytes, length, null(), &mut view) };
    assert_eq!(decode(null(), 5), GradexStatus::Pointer);
    assert_eq!(message(), "`file` is null");
    assert_eq!(decode([1, 2].as_ptr(), usize::MAX), GradexStatus::Pointer);
    assert_eq!(decode([1, 2].as_ptr(), 0), GradexStatus::Refused);
    assert_eq!(decode(b"no photograph".as_ptr(), 13), GradexStatus::Refused);
    assert!(message().contains("not an image"), "{}", message());
    assert_eq!(unsafe { gradex_model_embedded(null_mut()) }, GradexStatus::Pointer);
    assert_eq!(
        unsafe { gradex_model_embedded((&raw mut view).cast::<u8>().wrapping_add(1).cast()) },
        GradexStatus::Pointer
    );

    let asked = |question: GradexQuestion| look(model, &question).0;
    assert_eq!(asked(GradexQuestion { method: c"crystal ball".as_ptr(), ..question() }), GradexStatus::Refused);
    assert!(message().contains("grad-cam"), "{}", message());
    assert_eq!(asked(GradexQuestion { point: c"nowhere".as_ptr(), ..question() }), GradexStatus::Refused);
    assert_eq!(asked(GradexQuestion { fit: c"\xff".as_ptr(), ..question() }), GradexStatus::Text);
    assert_eq!(asked(GradexQuestion { extrapolation: c"mad".as_ptr(), ..question() }), GradexStatus::Refused);

    let (_, view) =
        look(model, &GradexQuestion { fit: c"crop".as_ptr(), extrapolation: c"none".as_ptr(), ..question() });
    let mut explanation = null_mut();
    let status = unsafe { gradex_view_explain(view, 1000, None, null_mut(), &mut explanation) };
    assert_eq!((status, explanation.is_null()), (GradexStatus::Refused, true));
    let mut weights = null_mut();
    let status = unsafe { gradex_model_from_bytes(c"vgg16".as_ptr(), [0; 9].as_ptr(), 9, &mut weights) };
    assert_eq!(status, GradexStatus::Refused);
    unsafe { gradex_view_free(view) };
    unsafe { gradex_model_free(model) };
    unsafe { gradex_model_free(null_mut()) };
}

#[test]
fn texts_are_cut_and_say_how_long_they_are() {
    let (mut buffer, mut length) = ([1; 20], 0);
    let name = |list, index, buffer: &mut [i8], length: &mut usize| unsafe {
        gradex_name(list, index, buffer.as_mut_ptr().cast(), buffer.len(), length)
    };
    assert_eq!(name(GradexList::Labels as u32, 285, &mut buffer, &mut length), GradexStatus::Ok);
    assert_eq!((length, buffer[12]), (13, 0));
    assert_eq!(name(GradexList::Labels as u32, 285, &mut buffer[..4], &mut length), GradexStatus::Small);
    assert_eq!((length, &buffer[..4]), (13, &[b'E' as i8, b'g' as i8, b'y' as i8, 0][..]));
    assert_eq!(name(GradexList::Labels as u32, 1000, &mut buffer, &mut length), GradexStatus::Refused);
    assert_eq!(name(77, 0, &mut buffer, &mut length), GradexStatus::Refused);
    for list in [GradexList::Methods, GradexList::Extrapolations, GradexList::Architectures, GradexList::ColourMaps] {
        assert_eq!(name(list as u32, 0, &mut buffer, &mut length), GradexStatus::Ok);
    }
}

extern "C" fn enough(context: *mut c_void, _done: usize, _total: usize) -> c_int {
    unsafe { *context.cast::<usize>() += 1 };
    1
}

#[test]
fn a_watcher_that_has_had_enough_stops_a_method_of_many_passes() {
    let model = model();
    let (status, view) = look(model, &GradexQuestion { method: c"rise".as_ptr(), samples: 64, ..question() });
    assert_eq!(status, GradexStatus::Ok, "{}", message());
    let (mut calls, mut explanation) = (0usize, null_mut());
    let context = (&raw mut calls).cast();
    let status = unsafe { gradex_view_explain(view, 285, Some(enough), context, &mut explanation) };
    assert_eq!((status, calls, explanation.is_null()), (GradexStatus::Stopped, 1, true), "{}", message());
    unsafe { gradex_view_free(view) };
    unsafe { gradex_model_free(model) };
}
