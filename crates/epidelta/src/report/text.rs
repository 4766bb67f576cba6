//! Text in figures: how wide it is, what fits, and what the drawing library would
//! misread.

use crate::explanation::rounded;

/// Width of a text in px, on the high side for Helvetica and near for DejaVu Sans
/// (kuva's own measure is private).
pub(super) fn text_width(s: &str, size: u32) -> f64 {
    let em: f64 = s
        .chars()
        .map(|c| match c {
            'i' | 'j' | 'l' | 'I' | '.' | ',' | ':' | ';' | '\'' | '|' | '!' | ' ' => 0.32,
            'f' | 't' | 'r' | '(' | ')' | '[' | ']' | '/' | '\\' | '-' => 0.41,
            'm' | 'w' | 'M' | 'W' | '@' | '%' | '…' => 0.98,
            '−' | '+' | '<' | '>' | '=' | '~' => 0.84,
            'A'..='Z' => 0.72,
            c if c.is_ascii() => 0.63,
            c if (c as u32) < 0x1100 => 0.7,
            _ => 1.0,
        })
        .sum();
    em * f64::from(size)
}

/// Escape what kuva would misread: `$...$` is maths to it.
pub(super) fn clean(s: &str) -> String {
    printable(s).replace('$', "\\$")
}

/// Without control characters, which would go to the file as they are, and no XML
/// parser takes them.
pub(super) fn printable(s: &str) -> String {
    s.replace(
        |c: char| c.is_control() || matches!(c, '\u{fffe}' | '\u{ffff}'),
        "\u{fffd}",
    )
}

/// Cut to a width with an ellipsis.
pub(super) fn fit(s: &str, size: u32, width: f64) -> String {
    if text_width(s, size) <= width {
        return s.to_string();
    }
    let room = width - text_width("…", size);
    let mut cut = String::new();
    for c in s.chars() {
        cut.push(c);
        if text_width(&cut, size) > room {
            cut.pop();
            break;
        }
    }
    cut.truncate(cut.trim_end().len());
    cut.push('…');
    cut
}

pub(super) fn wrap(s: &str, size: u32, width: f64) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    for word in s.split_whitespace() {
        if let Some(line) = lines.last_mut() {
            let longer = format!("{line} {word}");
            if text_width(&longer, size) <= width {
                *line = longer;
                continue;
            }
        }
        lines.push(word.to_string());
    }
    lines.iter().map(|l| fit(l, size, width)).collect()
}

/// The lines of a label that may break at spaces, `/` and `_` only, where each of
/// its parts fits.
pub(super) fn break_label(s: &str, size: u32, width: f64) -> Option<Vec<String>> {
    let mut lines: Vec<String> = Vec::new();
    for part in s.split_inclusive([' ', '/', '_']) {
        if let Some(line) = lines.last_mut() {
            let longer = format!("{line}{part}");
            if text_width(longer.trim_end(), size) <= width {
                *line = longer;
                continue;
            }
        }
        lines.push(part.to_owned());
    }
    lines
        .iter_mut()
        .for_each(|line| line.truncate(line.trim_end().len()));
    let fits = lines.iter().all(|line| text_width(line, size) <= width);
    fits.then_some(lines)
}

/// A change with two digits and its sign, but for what rounds to zero.
pub(super) fn signed(value: f64) -> String {
    let text = rounded(value, 2);
    match value >= 0.005 {
        true => format!("+{text}"),
        false => text,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_is_cut_where_it_does_not_fit() {
        assert_eq!(fit("H3K4me3", 12, 200.0), "H3K4me3");
        let cut = fit("a name that is much too long", 12, 60.0);
        assert!(cut.ends_with('…') && text_width(&cut, 12) <= 60.0, "{cut}");
        let lines = wrap("a title of several words", 12, 60.0);
        assert!(lines.len() > 2 && lines.iter().all(|l| text_width(l, 12) <= 60.0));
    }

    #[test]
    fn a_label_breaks_between_its_parts_or_not_at_all() {
        let lines = |width| break_label("E003/E123", 11, width);
        assert_eq!(lines(100.0), Some(vec!["E003/E123".to_owned()]));
        assert_eq!(
            lines(40.0),
            Some(vec!["E003/".to_owned(), "E123".to_owned()])
        );
        assert_eq!(lines(20.0), None);
    }

    #[test]
    fn what_rounds_to_zero_has_no_sign() {
        let signs = [1.234, 0.004, -0.004, -2.0].map(signed);
        assert_eq!(signs, ["+1.23", "0.00", "0.00", "\u{2212}2.00"]);
    }

    #[test]
    fn nothing_is_read_as_mathematics_or_control() {
        assert_eq!(clean("$5\u{1}"), "\\$5\u{fffd}");
    }
}
