//! The command as its users run it.
#![allow(clippy::unwrap_used, clippy::panic)]

mod common;

use std::fs;
use std::path::Path;

use common::{code, file, fixture, folder, gradex, json, stderr};
use gradex::formats::{read_npy, write_npy};
use gradex::{Photograph, Tensor};
use serde_json::Value;

#[test]
fn a_photograph_is_explained() {
    let out = folder("explained");
    let cat = fixture("images/chelsea.png");
    let output = gradex(&["explain", "--save-npy", "--json", "--top-k", "2"], &[&cat], &out);
    assert_eq!(code(&output), Some(0), "{}", stderr(&output));
    let report = json(&output).remove(0);
    assert_eq!(report["input"], cat.to_str().unwrap());
    assert_eq!(report["model"], "efficientnet-lite0");
    assert_eq!(report["size"], serde_json::json!([224, 224]));
    let best = &report["predictions"][0];
    assert_eq!((&best["class"], &best["label"]), (&285.into(), &"Egyptian cat".into()));
    assert!((best["probability"].as_f64().unwrap() - 0.79).abs() < 0.01, "{best}");

    let explanations = report["explanations"].as_array().unwrap();
    assert_eq!(explanations.len(), 2);
    for explanation in explanations {
        assert_eq!(explanation["reason"], Value::Null);
        for key in ["overlay", "plain"] {
            assert_eq!(Photograph::open(file(explanation, key)).unwrap().size(), [300, 451]);
        }
        assert_eq!(read_npy(file(explanation, "coarse")).unwrap().shape(), [7, 7]);
        assert_eq!(read_npy(file(explanation, "logits")).unwrap().shape(), [1000]);
        let fine = read_npy(file(explanation, "fine")).unwrap();
        assert_eq!(fine.shape(), [224, 224]);
        assert!(fine.iter().all(|value| (0.0..=1.0).contains(value)));
    }
    let golden = read_npy(&fixture("networks/efficientnet-lite0-chelsea/expected_fine_activated.npy")).unwrap();
    let fine = read_npy(file(&explanations[0], "fine")).unwrap();
    let apart = fine.iter().zip(&golden).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max);
    assert!(apart <= 1e-4, "the fine map is {apart} from PyTorch's");
}

#[test]
fn a_broken_file_in_a_folder_is_named_and_the_rest_are_done() {
    let (inputs, out) = (folder("mixed"), folder("mixed-out"));
    fs::copy(fixture("images/chelsea.png"), inputs.join("a.png")).unwrap();
    fs::write(inputs.join("b.jpg"), "this is no photograph").unwrap();
    fs::write(inputs.join("c.png"), "").unwrap();
    fs::copy(fixture("images/rocket.jpg"), inputs.join("d.jpg")).unwrap();
    fs::write(inputs.join("notes.txt"), "not an input").unwrap();
    let output = gradex(&["explain", "--json"], &[&inputs], &out);
    assert_eq!(code(&output), Some(1));
    assert_eq!(json(&output).len(), 2);
    let said = stderr(&output);
    assert!(said.contains("b.jpg") && said.contains("c.png") && said.contains("2 of 4 inputs failed"), "{said}");
    assert!(!said.contains("notes.txt"), "{said}");
    let written = fs::read_dir(&out).unwrap().count();
    assert_eq!(written, 4, "an overlay and a plain one for each of the two photographs");
}

#[test]
fn a_tensor_gives_what_its_photograph_gives() {
    let (inputs, out) = (folder("tensors"), folder("tensors-out"));
    let pixels = read_npy(&fixture("networks/efficientnet-lite0-chelsea/resized.npy")).unwrap();
    let image = pixels.permuted_axes(vec![2, 0, 1]).mapv(|value| (value - 127.0) / 128.0);
    let image: Tensor = image.as_standard_layout().into_owned();
    let batch = ndarray::stack![ndarray::Axis(0), image, image.mapv(|value| -value)];
    let (one, two) = (inputs.join("one.npy"), inputs.join("two.npy"));
    write_npy(&one, &image).unwrap();
    write_npy(&two, &batch).unwrap();
    let cat = fixture("images/chelsea.png");
    let output = gradex(&["explain", "--json", "--save-npy"], &[&cat, &one, &two], &out);
    assert_eq!(code(&output), Some(0), "{}", stderr(&output));
    let reports = json(&output);
    assert_eq!(reports.len(), 4);
    let fine = |report: &Value| read_npy(file(&report["explanations"][0], "fine")).unwrap();
    assert_eq!(fine(&reports[0]), fine(&reports[1]));
    assert_eq!(fine(&reports[0]), fine(&reports[2]), "another image of the batch changed this one");
    assert_ne!(fine(&reports[2]), fine(&reports[3]));
    assert!(reports[3]["input"].as_str().unwrap().ends_with("two.npy[1]"));
    assert_eq!(Photograph::open(file(&reports[1]["explanations"][0], "overlay")).unwrap().size(), [224, 224]);
}

#[test]
fn one_bad_image_of_a_batch_is_named_and_the_rest_are_done() {
    let (inputs, out) = (folder("bad-batch"), folder("bad-batch-out"));
    let mut batch = Tensor::zeros(vec![3, 3, 64, 64]);
    batch[[1, 0, 5, 5]] = f32::NAN;
    let path = inputs.join("three.npy");
    write_npy(&path, &batch).unwrap();
    let output = gradex(&["explain", "--json"], &[&path], &out);
    assert_eq!(code(&output), Some(1));
    let said = stderr(&output);
    assert!(said.contains("three.npy[1]") && said.contains("1 of 3 inputs failed"), "{said}");
    let done: Vec<String> = json(&output).iter().map(|report| report["input"].as_str().unwrap().to_owned()).collect();
    assert!(done.len() == 2 && done[0].ends_with("three.npy[0]") && done[1].ends_with("three.npy[2]"), "{done:?}");
}

#[test]
fn what_is_not_as_usual_stands_in_the_names_of_files() {
    let out = folder("variants");
    let cat = fixture("images/chelsea.png");
    for more in [
        &[][..],
        &["--point", "_blocks.10"],
        &["--resize", "crop"],
        &["--size", "64x96"],
        &["--resize", "crop", "--size", "64", "--point", "_blocks.10"],
    ] {
        let arguments = [&["explain", "--class", "285", "--extrapolate", "none"], more].concat();
        let output = gradex(&arguments, &[&cat], &out);
        assert_eq!(code(&output), Some(0), "{}", stderr(&output));
    }
    for variant in ["", "-_blocks.10.add", "-crop", "-64x96", "-crop-64x64-_blocks.10.add"] {
        assert!(out.join(format!("chelsea{variant}-285-grad-cam-none.png")).is_file(), "{variant}");
    }
    assert_eq!(fs::read_dir(&out).unwrap().count(), 5);
}

#[test]
fn files_are_written_though_nobody_reads_what_is_printed() {
    let out = folder("closed-pipe");
    let cat = fixture("images/chelsea.png");
    let (reader, writer) = std::io::pipe().unwrap();
    drop(reader);
    let status = std::process::Command::new(env!("CARGO_BIN_EXE_gradex"))
        .args(["explain", "--size", "64", "--class", "285", "--extrapolate", "none", "--out"])
        .arg(&out)
        .args([&cat, &fixture("images/rocket.jpg")])
        .stdout(writer)
        .status()
        .unwrap();
    assert_eq!(status.code(), Some(0));
    assert_eq!(fs::read_dir(&out).unwrap().count(), 2);
}

#[test]
fn tensors_that_cannot_be_used_are_refused_by_name() {
    let (inputs, out) = (folder("bad-tensors"), folder("bad-tensors-out"));
    let mut nan = Tensor::zeros(vec![3, 64, 64]);
    nan[[1, 2, 3]] = f32::NAN;
    let cases = [
        ("nan.npy", nan, "NaN"),
        ("flat.npy", Tensor::zeros(vec![64, 64]), "expected [3, H, W]"),
        ("none.npy", Tensor::zeros(vec![0, 3, 64, 64]), "holds no image"),
    ];
    for (name, tensor, said) in cases {
        let path = inputs.join(name);
        write_npy(&path, &tensor).unwrap();
        let output = gradex(&["explain"], &[&path], &out);
        assert_eq!(code(&output), Some(1), "{name}");
        assert!(stderr(&output).contains(said) && stderr(&output).contains(name), "{}", stderr(&output));
    }
    assert_eq!(fs::read_dir(&out).unwrap().count(), 0, "nothing was explained, so nothing is written");
}

#[test]
fn two_inputs_of_one_name_do_not_overwrite_each_other() {
    let (first, second, out) = (folder("same/a"), folder("same/b"), folder("same-out"));
    fs::copy(fixture("images/chelsea.png"), first.join("photo.png")).unwrap();
    fs::copy(fixture("images/rocket.jpg"), second.join("photo.jpg")).unwrap();
    let arguments = ["explain", "--class", "tabby", "--extrapolate", "none"];
    let output = gradex(&arguments, &[&first, &second], &out);
    assert_eq!(code(&output), Some(0), "{}", stderr(&output));
    assert_eq!(fs::read_dir(&out).unwrap().count(), 2);
}

#[test]
fn other_classes_points_modes_and_sizes() {
    let out = folder("options");
    let cat = fixture("images/chelsea.png");
    let arguments = [
        "explain",
        "--json",
        "--save-npy",
        "--class",
        "282",
        "--class",
        "Egyptian cat",
        "--class",
        "tiger cat",
        "--point",
        "_blocks.10",
        "--extrapolate",
        "published",
        "--size",
        "193x161",
        "--resize",
        "crop",
        "--colour-map",
        "jet",
    ];
    let output = gradex(&arguments, &[&cat], &out);
    assert_eq!(code(&output), Some(0), "{}", stderr(&output));
    let report = json(&output).remove(0);
    assert_eq!(report["size"], serde_json::json!([193, 161]));
    let explanations = report["explanations"].as_array().unwrap();
    let classes: Vec<_> = explanations.iter().map(|explanation| explanation["class"].as_u64().unwrap()).collect();
    assert_eq!(classes, [282, 285], "each class once, in the order given");
    assert_eq!(explanations[0]["point"], "_blocks.10.add");
    assert_eq!(explanations[0]["extrapolation"], "published");
    assert_eq!(read_npy(file(&explanations[0], "fine")).unwrap().shape(), [193, 161]);
    assert_eq!(Photograph::open(file(&explanations[0], "overlay")).unwrap().size(), [300, 451]);
}

#[test]
fn words_that_mean_nothing_exit_with_2_and_say_what_there_is() {
    let out = folder("usage-out");
    let cat = fixture("images/chelsea.png");
    for (arguments, said) in [
        (&["explain", "--model", "resnet51"][..], "`resnet50`"),
        (&["explain", "--model", "resnet50"], "--weights FILE"),
        (&["explain", "--class", "Egyptian bat"], "`Egyptian cat`"),
        (&["explain", "--class", "1000"], "no class `1000`"),
        (&["explain", "--point", "_blocks.99"], "no node `_blocks.99`"),
        (&["explain", "--point", "_fc"], "not an image"),
        (&["explain", "--top-k", "0"], "--top-k"),
        (&["explain", "--method", "grad-cat"], "grad-cam"),
        (&["explain", "--extrapolate", "maybe"], "activated"),
        (&["explain", "--contrast-point", "_swish"], "not a contrastive method"),
        (&["explain", "--size", "0"], "224x320"),
        (&["explain", "--opacity", "2"], "from 0 to 1"),
        (&["explain", "--threads", "0"], "--threads"),
        (&["explain", "--frobnicate"], "--frobnicate"),
        (&["classify", "--top-k", "0"], "--top-k"),
    ] {
        let output = gradex(arguments, &[&cat], &out);
        assert_eq!(code(&output), Some(2), "{arguments:?}: {}", stderr(&output));
        assert!(stderr(&output).contains(said), "{arguments:?}: {}", stderr(&output));
    }
    assert_eq!(code(&gradex(&["explain"], &[], &out)), Some(2), "no input");
}

#[test]
fn weights_that_are_none_exit_with_1_and_name_the_file() {
    let out = folder("weights-out");
    let cat = fixture("images/chelsea.png");
    for weights in [cat.to_str().unwrap(), "no/such/file.safetensors"] {
        let output = gradex(&["classify", "--model", "vgg16", "--weights", weights], &[&cat], &out);
        assert_eq!(code(&output), Some(1), "{weights}");
        assert!(stderr(&output).contains(weights), "{}", stderr(&output));
    }
    let embedded = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../weights/efficientnet-lite0.safetensors");
    let embedded = embedded.to_str().unwrap();
    let output = gradex(&["classify", "--model", "resnet18", "--weights", embedded], &[&cat], &out);
    assert_eq!(code(&output), Some(1));
    assert!(stderr(&output).contains("conv1.weight"), "{}", stderr(&output));
    let output = gradex(&["classify", "--json", "--weights", embedded], &[&cat], &out);
    assert_eq!(json(&output)[0]["predictions"][0]["class"], 285, "{}", stderr(&output));
}

#[test]
fn an_empty_folder_and_a_missing_file_fail_by_name() {
    let (empty, out) = (folder("empty"), folder("empty-out"));
    let output = gradex(&["classify"], &[&empty, Path::new("no/such/photo.png")], &out);
    assert_eq!(code(&output), Some(1));
    let said = stderr(&output);
    assert!(
        said.contains("holds no image") && said.contains("no/such/photo.png: there is no such file or folder"),
        "{said}"
    );
}

#[test]
fn listings_name_everything() {
    let out = folder("listings");
    let text = |arguments: &[&str]| String::from_utf8(gradex(arguments, &[], &out).stdout).unwrap();
    let models = text(&["models"]);
    assert!(models.contains("efficientnet-lite0") && models.contains("wide_resnet101_2"), "{models}");
    assert!(models.contains("25557032"), "ResNet50's parameters as torchvision counts them: {models}");
    assert!(text(&["methods"]).contains("grad-cam"));
    let points = text(&["points", "--model", "resnet50"]);
    let default = points.lines().find(|line| line.starts_with("* layer")).unwrap();
    let words: Vec<&str> = default.split_whitespace().collect();
    assert_eq!(words, ["*", "layer4.2.relu_2", "relu", "2048", "x", "7", "x", "7", "32", "after"]);
}
