//! Labels of groups along the x axis: broken into lines, upward where they are too
//! long for that.

use kuva::render::render::TextAnchor;

use super::{
    drawing::{Drawing, TICK, Type},
    text::{break_label, fit, text_width},
};

/// From line to line, and the longest upward label, px.
const LINE: f64 = 14.0;
const LONGEST: f64 = 170.0;

/// Labels of the groups: lines of each, upward where one does not fit in its group.
pub(super) struct GroupLabels {
    lines: Vec<Vec<String>>,
    upward: bool,
    pub(super) height: f64,
}

impl GroupLabels {
    /// Lays out labels below groups of this width, px.
    pub(super) fn new(groups: &[String], width: f64) -> Self {
        let across = |label: &String| break_label(label, TICK, width);
        if let Some(lines) = groups.iter().map(across).collect::<Option<Vec<_>>>() {
            let most = lines.iter().map(Vec::len).max().unwrap_or(0);
            return GroupLabels {
                lines,
                upward: false,
                height: most as f64 * LINE + 4.0,
            };
        }
        let most = ((width / LINE) as usize).max(1);
        let upward = |label: &String| {
            break_label(label, TICK, LONGEST)
                .filter(|lines| lines.len() <= most)
                .unwrap_or_else(|| vec![fit(label, TICK, LONGEST)])
        };
        let lines: Vec<Vec<String>> = groups.iter().map(upward).collect();
        let widths = lines.iter().flatten().map(|line| text_width(line, TICK));
        GroupLabels {
            height: widths.fold(0.0, f64::max) + 8.0,
            lines,
            upward: true,
        }
    }

    /// Writes the label of a group below a place.
    pub(super) fn draw(&self, drawing: &mut Drawing, group: usize, (middle, top): (f64, f64)) {
        let Some(lines) = self.lines.get(group) else {
            return;
        };
        for (number, line) in lines.iter().enumerate() {
            let number = number as f64;
            if self.upward {
                let first = middle + 4.0 - (lines.len() as f64 - 1.0) * LINE / 2.0;
                let style = Type::new(TICK, TextAnchor::End).upward();
                drawing.text((first + number * LINE, top + 4.0), line, style);
            } else {
                let y = top + (number + 1.0) * LINE;
                drawing.text((middle, y), line, Type::new(TICK, TextAnchor::Middle));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn upward_where_one_does_not_fit() {
        let labels = |names: &[&str], width| {
            let names: Vec<String> = names.iter().map(|&name| name.to_owned()).collect();
            GroupLabels::new(&names, width)
        };
        let across = labels(&["E003/E123", "E004/E005"], 50.0);
        assert!(!across.upward);
        assert_eq!(across.lines[1], ["E004/", "E005"]);
        let upward = labels(&["E003/E123", "mesenchymal/E005"], 50.0);
        assert!(upward.upward);
        assert_eq!(upward.lines[1], ["mesenchymal/E005"]);
        assert!(labels(&[&"long".repeat(40)], 50.0).lines[0][0].ends_with('…'));
        assert!(labels(&[], 50.0).lines.is_empty());
    }
}
