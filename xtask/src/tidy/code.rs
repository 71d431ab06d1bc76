//! Rust source without its comments and literals.

/// The source with every comment, string and character literal replaced by spaces; lines stay lines.
pub(super) fn without_text(source: &str) -> String {
    let mut code = String::with_capacity(source.len());
    let mut rest = source;
    while let Some(first) = rest.chars().next() {
        let after_name = code.ends_with(|last: char| last.is_alphanumeric() || last == '_');
        let (length, is_code) = match text_length(rest, after_name) {
            Some(length) => (length, false),
            None => (first.len_utf8(), true),
        };
        let (token, tail) = rest.split_at(length);
        code.extend(token.chars().map(|c| if is_code || c == '\n' { c } else { ' ' }));
        rest = tail;
    }
    code
}

/// How many bytes the comment or literal takes that `rest` begins with.
fn text_length(rest: &str, after_name: bool) -> Option<usize> {
    if rest.starts_with("//") {
        Some(rest.find('\n').unwrap_or(rest.len()))
    } else if rest.starts_with("/*") {
        Some(block_comment(rest))
    } else if rest.starts_with('"') {
        Some(escaped(rest, '"'))
    } else if rest.starts_with('\'') {
        character(rest)
    } else if !after_name {
        raw_string(rest)
    } else {
        None
    }
}

/// Block comments nest.
fn block_comment(rest: &str) -> usize {
    let mut depth = 0_usize;
    let mut at = 0;
    while at < rest.len() {
        let tail = &rest[at..];
        if tail.starts_with("/*") {
            depth += 1;
            at += 2;
        } else if tail.starts_with("*/") {
            depth -= 1;
            at += 2;
            if depth == 0 {
                return at;
            }
        } else {
            at += tail.chars().next().map_or(1, char::len_utf8);
        }
    }
    rest.len()
}

/// A literal in which a backslash takes the character after it along.
fn escaped(rest: &str, quote: char) -> usize {
    let mut characters = rest.char_indices().skip(1);
    while let Some((at, c)) = characters.next() {
        if c == '\\' {
            characters.next();
        } else if c == quote {
            return at + 1;
        }
    }
    rest.len()
}

/// A character literal; `None` where the quote begins a lifetime.
fn character(rest: &str) -> Option<usize> {
    let mut characters = rest.chars().skip(1);
    let first = characters.next()?;
    (first == '\\' || characters.next() == Some('\'')).then(|| escaped(rest, '\''))
}

/// `r"..."` and `br##"..."##`, which know no escapes.
fn raw_string(rest: &str) -> Option<usize> {
    let marked = ["br", "cr", "r"].into_iter().find_map(|prefix| rest.strip_prefix(prefix))?;
    let hashes = marked.len() - marked.trim_start_matches('#').len();
    let content = marked[hashes..].strip_prefix('"')?;
    let end = format!("\"{}", "#".repeat(hashes));
    let length = content.find(&end).map_or(content.len(), |at| at + end.len());
    Some(rest.len() - content.len() + length)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_goes_and_code_stays() {
        for (source, code) in [
            ("a // b\nc", "a     \nc"),
            ("a /* b /* c */ d */ e", "a                   e"),
            (r#"f("b\"c", d)"#, r#"f(      , d)"#),
            (r##"f(r#"b"c"#, d)"##, "f(        , d)"),
            (r#"f(br"b\", d)"#, "f(      , d)"),
            (r#"f(b"b", d)"#, "f(b   , d)"),
            (r"['b', '\'', '\\', d]", "[   ,     ,     , d]"),
            ("fn f<'a>(x: &'a u8, c: 'b')", "fn f<'a>(x: &'a u8, c:    )"),
            ("r#match + four\"b\"", "r#match + four   "),
            ("a \"b\nc", "a   \n "),
            ("a /* b", "a     "),
            ("'é' é", "    é"),
        ] {
            assert_eq!(without_text(source), code, "{source}");
        }
    }

    #[test]
    fn lines_stay_lines() {
        let source = include_str!("code.rs");
        assert_eq!(without_text(source).lines().count(), source.lines().count());
    }
}
