//! Boxes of COCO (<https://cocodataset.org/#format-data>): `images` with `id` and `file_name`, `annotations` with `image_id`
//! and `bbox`: left, top, width, height in pixels from 0. Where an image has `width` and `height` too, the photograph must be
//! as large. What else there is, is not read.

use std::collections::BTreeMap;
use std::path::Path;

use serde::Deserialize;

use super::{Boxes, Malformed, Rectangle};

#[derive(Deserialize)]
struct Coco {
    images: Vec<Image>,
    annotations: Vec<Annotation>,
}

#[derive(Deserialize)]
struct Image {
    id: u64,
    file_name: String,
    width: Option<f64>,
    height: Option<f64>,
}

#[derive(Deserialize)]
struct Annotation {
    image_id: u64,
    bbox: [f64; 4],
}

/// The boxes in this text; `path` is named in errors.
pub fn boxes(path: &Path, text: &str) -> Result<Boxes, Malformed> {
    let explain = |error| {
        format!("not COCO's format ({error}): it needs `images` (id, file_name) and `annotations` (image_id, bbox)")
    };
    let coco: Coco = serde_json::from_str(text).map_err(|error| Malformed::new(path, explain(error)))?;
    let images: BTreeMap<u64, &Image> = coco.images.iter().map(|image| (image.id, image)).collect();
    let mut boxes = Boxes::default();
    for (number, Annotation { image_id, bbox }) in coco.annotations.into_iter().enumerate() {
        let wrong = |what: String| Malformed::new(path, format!("annotation {number}: {what}"));
        let image = images.get(&image_id).ok_or_else(|| wrong(format!("no image has the id {image_id}")))?;
        let [left, top, width, height] = bbox;
        let rectangle = Rectangle::new([left, top], [left + width, top + height]);
        let rectangle = rectangle.ok_or_else(|| wrong(format!("the bbox {bbox:?} has no area")))?;
        boxes.named(&image.file_name).size = image.height.zip(image.width).map(|(height, width)| [height, width]);
        boxes.add(&image.file_name, rectangle);
    }
    Ok(boxes)
}

#[cfg(test)]
mod tests {
    use super::super::Boxed;
    use super::*;

    fn read(text: &str) -> Result<Boxes, Malformed> {
        boxes(Path::new("instances.json"), text)
    }

    #[test]
    fn boxes_by_file_name() {
        let found = read(
            r#"{"info": {}, "images": [{"id": 7, "file_name": "val/cat.jpg", "width": 9, "height": 8}, {"id": 8, "file_name": "dog.jpg"}],
                "annotations": [{"id": 1, "image_id": 7, "bbox": [1, 2, 3, 4.5], "category_id": 3},
                                {"id": 2, "image_id": 7, "bbox": [0, 0, 1, 1]}]}"#,
        );
        let rectangles = vec![
            Rectangle { top: 2.0, left: 1.0, bottom: 6.5, right: 4.0 },
            Rectangle { top: 0.0, left: 0.0, bottom: 1.0, right: 1.0 },
        ];
        let boxed = Boxed { size: Some([8.0, 9.0]), rectangles };
        assert_eq!(found.unwrap(), [("val/cat.jpg".to_owned(), boxed)].into_iter().collect());
    }

    #[test]
    fn what_is_wrong_is_named() {
        let image = r#""images": [{"id": 7, "file_name": "cat.jpg"}]"#;
        for (text, said) in [
            ("{".to_owned(), "not COCO's format"),
            ("{\"images\": []}".to_owned(), "annotations"),
            (format!(r#"{{{image}, "annotations": [{{"image_id": 9, "bbox": [0, 0, 1, 1]}}]}}"#), "the id 9"),
            (format!(r#"{{{image}, "annotations": [{{"image_id": 7, "bbox": [0, 0, 0, 1]}}]}}"#), "no area"),
        ] {
            let error = read(&text).unwrap_err().to_string();
            assert!(error.starts_with("instances.json: ") && error.contains(said), "{error}");
        }
    }
}
