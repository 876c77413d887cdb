//! Tables and numbers as Markdown.
//!
//! Decides how many digits are shown. Knows nothing of what they mean.

use crate::runs::Measure;

/// What stands where there is no figure.
pub(crate) const NONE: &str = "–";

/// To three digits or a few more; bytes whole, a share of one to four places.
pub(crate) fn shown(figure: f64, unit: &str) -> String {
    let whole = figure.fract() == 0.0 || unit == "B";
    let digits = match figure.abs() {
        _ if whole => 0,
        _ if unit.is_empty() => 4,
        size if size < 10.0 => 2,
        size if size < 100.0 => 1,
        _ => 0,
    };
    format!("{figure:.digits$}")
}

pub(crate) fn figure(figure: Option<f64>, measure: &Measure) -> String {
    figure.map_or_else(|| NONE.to_owned(), |figure| shown(figure, &measure.unit))
}

pub(crate) fn ratio(ratio: Option<f64>) -> String {
    ratio.map_or_else(|| NONE.to_owned(), |ratio| format!("{ratio:.2}"))
}

/// How one column stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Side {
    Left,
    Right,
}

fn row(cells: &[String]) -> String {
    // A bar in a cell would begin another one.
    let cells: Vec<_> = cells.iter().map(|cell| cell.replace('|', "\\|")).collect();
    format!("| {} |\n", cells.join(" | "))
}

/// A table; the first column stands left, the others on this side.
pub(crate) fn table(head: &[String], rows: &[Vec<String>], others: Side) -> String {
    let rule = match others {
        Side::Left => "---",
        Side::Right => "--:",
    };
    let rules = (0..head.len()).map(|column| if column == 0 { "---" } else { rule });
    let rules: Vec<_> = rules.collect();
    let mut text = row(head);
    text += &format!("|{}|\n", rules.join("|"));
    for cells in rows {
        text += &row(cells);
    }
    text
}
