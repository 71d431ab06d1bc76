//! Boxes of Pascal VOC: an XML file a photograph, with its name in `filename` and its boxes in `object/bndbox`; pixels are
//! counted from 1, and the last ones belong to the box. Where it has a `size`, the photograph must be as large.

use std::fs;
use std::path::Path;

use anyhow::{Context, Result};
use roxmltree::{Document, Node};

use super::{Boxed, Boxes, Malformed, Rectangle};

/// The boxes of every `.xml` file of a folder.
pub fn folder(folder: &Path) -> Result<Boxes> {
    let cannot = || format!("cannot read {}", folder.display());
    let mut boxes = Vec::new();
    for entry in fs::read_dir(folder).with_context(cannot)? {
        let path = entry.with_context(cannot)?.path();
        if path.extension().is_some_and(|ending| ending.eq_ignore_ascii_case("xml")) {
            let text = fs::read_to_string(&path).with_context(|| format!("cannot read {}", path.display()))?;
            boxes.extend(file(&path, &text)?);
        }
    }
    Ok(boxes.into_iter().collect())
}

/// The photograph's name and its boxes in this text; none where it has none.
pub fn file(path: &Path, text: &str) -> Result<Option<(String, Boxed)>, Malformed> {
    let document = Document::parse(text).map_err(|error| Malformed::new(path, format!("not XML: {error}")))?;
    let child = |node: Node<'_, '_>, name: &str| {
        let found = node.children().find(|child| child.has_tag_name(name));
        found.and_then(|child| child.text()).map(|text| text.trim().to_owned())
    };
    let name = child(document.root_element(), "filename")
        .ok_or_else(|| Malformed::new(path, "there is no <filename> in <annotation>: it is not Pascal VOC's format"))?;
    let boxed = |bndbox: Node<'_, '_>| {
        let side = |name: &str| {
            let value = child(bndbox, name).unwrap_or_default();
            let wrong =
                || Malformed::new(path, format!("<{name}> of a <bndbox> is `{value}`: give a number of pixels"));
            value.parse::<f64>().ok().filter(|side| side.is_finite()).ok_or_else(wrong)
        };
        let rectangle = Rectangle::new([side("xmin")? - 1.0, side("ymin")? - 1.0], [side("xmax")?, side("ymax")?]);
        rectangle.ok_or_else(|| Malformed::new(path, "a <bndbox> has no area: xmin <= xmax and ymin <= ymax"))
    };
    let objects = document.root_element().children().filter(|node| node.has_tag_name("object"));
    let boxes = objects.flat_map(|object| object.children().filter(|node| node.has_tag_name("bndbox")));
    let rectangles: Vec<Rectangle> = boxes.map(boxed).collect::<Result<_, _>>()?;
    let size = document.root_element().children().find(|node| node.has_tag_name("size"));
    let side = |name: &str| child(size?, name)?.parse::<f64>().ok().filter(|side| *side > 0.0);
    let size = side("height").zip(side("width")).map(|(height, width)| [height, width]);
    Ok((!rectangles.is_empty()).then_some((name, Boxed { size, rectangles })))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<Option<(String, Boxed)>, Malformed> {
        file(Path::new("cat.xml"), text)
    }

    #[test]
    fn pixels_are_counted_from_one() {
        let found = read(
            "<annotation><folder>VOC</folder><filename>cat.jpg</filename><size><width>9</width><height>8</height></size><object><name>cat</name>\
             <bndbox><xmin>1</xmin><ymin>2</ymin><xmax> 4 </xmax><ymax>6</ymax></bndbox>\
             <part><bndbox><xmin>1</xmin></bndbox></part></object></annotation>",
        );
        let rectangle = Rectangle { top: 1.0, left: 0.0, bottom: 6.0, right: 4.0 };
        let boxed = Boxed { size: Some([8.0, 9.0]), rectangles: vec![rectangle] };
        assert_eq!(found.unwrap(), Some(("cat.jpg".to_owned(), boxed)));
        assert_eq!(read("<annotation><filename>a.jpg</filename></annotation>").unwrap(), None);
    }

    #[test]
    fn what_is_wrong_is_named() {
        let of = |bndbox: &str| {
            format!("<annotation><filename>a</filename><object><bndbox>{bndbox}</bndbox></object></annotation>")
        };
        for (text, said) in [
            ("<annotation>".to_owned(), "not XML"),
            ("<annotation/>".to_owned(), "<filename>"),
            (of("<xmin>x</xmin>"), "<xmin> of a <bndbox> is `x`"),
            (of("<xmin>5</xmin><ymin>1</ymin><xmax>4</xmax><ymax>1</ymax>"), "no area"),
        ] {
            let error = read(&text).unwrap_err().to_string();
            assert!(error.starts_with("cat.xml: ") && error.contains(said), "{error}");
        }
    }
}
