//! Helpful error messages: the names most like the one that was not found.

/// Up to three of `candidates`, those most like `name`, whatever the case of ASCII letters: first those with `name` for one
/// of their words, then by edit distance.
pub fn nearest<'a>(name: &str, candidates: impl Iterator<Item = &'a str>) -> Vec<String> {
    let name = name.to_ascii_lowercase();
    let rank = |candidate: &'a str| {
        let lower = candidate.to_ascii_lowercase();
        let has_word = lower.split(|c: char| !c.is_alphanumeric()).any(|word| word == name);
        ((!has_word, edit_distance(&name, &lower)), candidate)
    };
    let mut ranked: Vec<((bool, usize), &str)> = candidates.map(rank).collect();
    ranked.sort_by_key(|(rank, _)| *rank);
    ranked.into_iter().take(3).map(|(_, candidate)| candidate.to_owned()).collect()
}

/// The name that `name` is likely a slip for: one with it for a word, or with no more slips than a third of its letters.
pub fn meant<'a>(name: &str, candidates: impl Iterator<Item = &'a str>) -> Option<String> {
    let found = nearest(name, candidates).into_iter().next()?;
    let (name, lower) = (name.to_ascii_lowercase(), found.to_ascii_lowercase());
    let has_word = lower.split(|c: char| !c.is_alphanumeric()).any(|word| word == name);
    (has_word || 3 * edit_distance(&name, &lower) <= name.chars().count()).then_some(found)
}

/// Insertions, deletions and replacements that lead from one text to the other (Levenshtein).
fn edit_distance(a: &str, b: &str) -> usize {
    let b: Vec<char> = b.chars().collect();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, from) in a.chars().enumerate() {
        let mut diagonal = row[0];
        row[0] = i + 1;
        for (j, to) in b.iter().enumerate() {
            let replaced = diagonal + usize::from(from != *to);
            diagonal = row[j + 1];
            row[j + 1] = replaced.min(row[j] + 1).min(diagonal + 1);
        }
    }
    row[b.len()]
}

#[cfg(test)]
mod tests {
    use super::{edit_distance, meant, nearest};

    #[test]
    fn distances_of_known_pairs() {
        for (a, b, distance) in [("", "", 0), ("", "abc", 3), ("kitten", "sitting", 3), ("flaw", "lawn", 2)] {
            assert_eq!(edit_distance(a, b), distance, "{a} {b}");
            assert_eq!(edit_distance(b, a), distance, "{b} {a}");
        }
    }

    #[test]
    fn nearest_is_best_first_and_at_most_three() {
        let names = ["fc.bias", "layer4.2.conv1", "layer4.1.conv1", "layer4.1.conv2", "bn1"];
        let found = nearest("layer4.1.conv", names.into_iter());
        assert_eq!(found, ["layer4.1.conv1", "layer4.1.conv2", "layer4.2.conv1"]);
    }

    #[test]
    fn what_is_like_no_name_is_meant_for_none() {
        let meant = |name| meant(name, ["iou", "deletion", "grid-2x2", "drop"].into_iter());
        for (name, found) in [("deletoin", "deletion"), ("2X2", "grid-2x2"), ("dro", "drop")] {
            assert_eq!(meant(name).as_deref(), Some(found));
        }
        assert_eq!(["foo", "", "insertion"].map(meant), [None, None, None]);
    }

    #[test]
    fn a_whole_word_is_nearer_than_other_words_of_like_letters() {
        let found = nearest("Cat", ["cab", "Egyptian cat", "cattle", "tiger cat"].into_iter());
        assert_eq!(found, ["tiger cat", "Egyptian cat", "cab"]);
    }
}
