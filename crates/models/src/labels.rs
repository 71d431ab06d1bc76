//! The 1000 classes of ImageNet (ILSVRC 2012), as torchvision names them.

use gradex_engine::nearest;

use crate::error::{Error, Result};

/// The labels, in the order of the logits.
pub fn imagenet_labels() -> impl Iterator<Item = &'static str> {
    include_str!("labels/imagenet.txt").lines()
}

/// The class that `name` means: its number, its label, or its label in other case where only one class has it
/// (`Cardigan` is a dog, `cardigan` a garment).
///
/// # Errors
/// [`Error::UnknownClass`] with the nearest labels, [`Error::EmptyClass`] for no name, [`Error::ClassNumber`] for a number that no class has.
pub fn class_of(name: &str) -> Result<usize> {
    if name.trim().is_empty() {
        return Err(Error::EmptyClass);
    }
    let class = match name.parse::<usize>() {
        Ok(number) => Some(number).filter(|number| *number < imagenet_labels().count()),
        Err(_) => imagenet_labels().position(|label| label == name).or_else(|| only_in_other_case(name)),
    };
    class.ok_or_else(|| match name.parse::<i128>() {
        Ok(_) => Error::ClassNumber { class: name.to_owned(), classes: imagenet_labels().count() },
        Err(_) => Error::UnknownClass { class: name.to_owned(), nearest: nearest(name, imagenet_labels()) },
    })
}

fn only_in_other_case(name: &str) -> Option<usize> {
    let mut classes = imagenet_labels().enumerate().filter(|(_, label)| label.eq_ignore_ascii_case(name));
    let (class, _) = classes.next()?;
    classes.next().is_none().then_some(class)
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn numbers_and_labels() {
        assert_eq!(imagenet_labels().count(), 1000);
        assert_eq!(class_of("Egyptian cat").unwrap(), 285);
        assert_eq!(class_of("egyptian CAT").unwrap(), 285);
        assert_eq!(class_of("999").unwrap(), 999);
    }

    #[test]
    fn case_decides_where_labels_differ_by_it_alone() {
        let labels: HashSet<&str> = imagenet_labels().collect();
        assert_eq!(labels.len(), 1000);
        assert_eq!((class_of("Cardigan").unwrap(), class_of("cardigan").unwrap()), (264, 474));
        let error = class_of("CARDIGAN").unwrap_err().to_string();
        assert!(error.contains("`Cardigan`") && error.contains("`cardigan`"), "{error}");
    }

    #[test]
    fn unknown_names_say_what_is_near() {
        for number in ["1000", "-1"] {
            let error = class_of(number).unwrap_err().to_string();
            assert!(error.contains("0 to 999"), "{error}");
        }
        assert_eq!(["", " "].map(class_of), [Err(Error::EmptyClass), Err(Error::EmptyClass)]);
        let error = class_of("Egyptian bat").unwrap_err().to_string();
        assert!(error.contains("`Egyptian cat`"), "{error}");
    }
}
