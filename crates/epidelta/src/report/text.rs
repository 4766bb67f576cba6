//! Text in figures: how wide it is, what fits, and what the drawing library would
//! misread.

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

/// Escape what kuva would misread: `$...$` is maths to it. Control characters would
/// go to the file as they are, and no XML parser takes them.
pub(super) fn clean(s: &str) -> String {
    let mut out = String::with_capacity(s.len());
    for c in s.chars() {
        match c {
            '$' => out.push_str("\\$"),
            c if c.is_control() || matches!(c, '\u{fffe}' | '\u{ffff}') => out.push('\u{fffd}'),
            c => out.push(c),
        }
    }
    out
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
    fn nothing_is_read_as_mathematics_or_control() {
        assert_eq!(clean("$5\u{1}"), "\\$5\u{fffd}");
    }
}
