//! A graph as SVG: panels beside each other on one logarithmic scale, names at the ends of the lines.
//!
//! Decides places and colours. Knows nothing of what is shown.

use std::error::Error;

use plotters::coord::Shift;
use plotters::coord::combinators::WithKeyPoints;
use plotters::coord::types::RangedCoordi32;
use plotters::prelude::*;
use plotters::style::text_anchor::{HPos, Pos, VPos};

use crate::contents::OURS;
use crate::curves::{Graph, Line, Panel};

const WIDTH: u32 = 640;
const HEIGHT: u32 = 420;
/// For the names.
const MARGIN: u32 = 150;
const BETWEEN_NAMES: i32 = 15;
const FONT: &str = "sans-serif";

type Fault = Box<dyn Error + Send + Sync>;
type Area<'a> = DrawingArea<SVGBackend<'a>, Shift>;
type Nanos = WithKeyPoints<LogCoord<f64>>;
type Plot<'a> = ChartContext<'a, SVGBackend<'a>, Cartesian2d<RangedCoordi32, Nanos>>;

/// The same contender has the same colour in every graph.
const COLOURS: [(&str, RGBColor); 12] = [
    (OURS, RGBColor(200, 20, 30)),
    ("mutex", RGBColor(0, 0, 0)),
    ("semaphore", RGBColor(0, 0, 0)),
    ("r2d2", RGBColor(0, 114, 178)),
    ("deadpool", RGBColor(0, 114, 178)),
    ("bb8", RGBColor(0, 140, 100)),
    ("asyncband", RGBColor(213, 120, 0)),
    ("mobc", RGBColor(150, 80, 170)),
    ("async-channel", RGBColor(120, 120, 120)),
    ("deadpool-unmanaged", RGBColor(70, 160, 220)),
    ("qp", RGBColor(140, 100, 40)),
    ("fast_pool", RGBColor(110, 130, 20)),
];

fn colour(name: &str) -> RGBColor {
    let mut known = COLOURS.iter();
    let found = known.find(|(contender, _)| *contender == name);
    found.map_or(RGBColor(160, 160, 160), |(_, colour)| *colour)
}

/// # Errors
///
/// When it cannot be drawn.
pub(crate) fn svg(graph: &Graph) -> Result<String, String> {
    let mut text = String::new();
    paint(graph, &mut text).map_err(|error| format!("{}: {error}", graph.title))?;
    Ok(text)
}

fn paint(graph: &Graph, text: &mut String) -> Result<(), Fault> {
    let panels = graph.panels.len();
    let width = WIDTH * u32::try_from(panels)?;
    let root = SVGBackend::with_string(text, (width, HEIGHT)).into_drawing_area();
    root.fill(&WHITE)?;
    let below = root.titled(&graph.title, (FONT, 18))?;
    let (least, most) = range(graph).ok_or("no figures")?;
    // A logarithmic scale that holds zero has no end.
    if least <= 0.0 || !most.is_finite() {
        return Err("figures that no pool can have".into());
    }
    for (area, panel) in below.split_evenly((1, panels)).iter().zip(&graph.panels) {
        let chart = axes(area, graph, panel, (least / 1.3, most * 1.3))?;
        lines(chart, &root, panel)?;
    }
    root.present()?;
    Ok(())
}

/// The smallest figure and the largest.
fn range(graph: &Graph) -> Option<(f64, f64)> {
    let lines = graph.panels.iter().flat_map(|panel| &panel.lines);
    let figures = lines.flat_map(|line| line.figures.iter().flatten().copied());
    let least = figures.clone().min_by(f64::total_cmp)?;
    Some((least, figures.max_by(f64::total_cmp)?))
}

/// What is marked on the scale between these: 1, 2, 5, 10, 20 …
fn ticks(least: f64, most: f64) -> Vec<f64> {
    let decades = (least.log10().floor() as i32)..=(most.log10().floor() as i32);
    let ticks = decades.flat_map(|decade| [1.0, 2.0, 5.0].map(|tick| tick * 10_f64.powi(decade)));
    ticks.filter(|tick| (least..=most).contains(tick)).collect()
}

/// `0.5`, `20`, `1500`.
fn nanos(figure: f64) -> String {
    if figure < 1.0 {
        format!("{figure:.1}")
    } else {
        format!("{figure:.0}")
    }
}

fn axes<'a>(
    area: &Area<'a>,
    graph: &Graph,
    panel: &Panel,
    (least, most): (f64, f64),
) -> Result<Plot<'a>, Fault> {
    let last = i32::try_from(graph.points.len().saturating_sub(1))?;
    let scale = (least..most).log_scale();
    let scale = scale.with_key_points(ticks(least, most));
    let mut chart = ChartBuilder::on(area)
        .caption(&panel.title, (FONT, 15))
        .margin(8)
        .margin_right(MARGIN)
        .x_label_area_size(44)
        .y_label_area_size(64)
        .build_cartesian_2d(0..last, scale)?;
    let point = |at: &i32| {
        let at = usize::try_from(*at).ok();
        let name = at.and_then(|at| graph.points.get(at));
        name.cloned().unwrap_or_default()
    };
    chart
        .configure_mesh()
        .x_labels(graph.points.len())
        .x_label_formatter(&point)
        .y_label_formatter(&|figure| nanos(*figure))
        .x_desc(&graph.along)
        .y_desc("ns per acquire and release")
        .bold_line_style(RGBColor(215, 215, 215))
        .label_style((FONT, 13))
        .axis_desc_style((FONT, 13))
        .draw()?;
    Ok(chart)
}

fn points(line: &Line) -> Vec<(i32, f64)> {
    let numbered = (0..).zip(&line.figures);
    let known = numbered.filter_map(|(at, figure)| Some((at, (*figure)?)));
    known.collect()
}

fn lines(mut chart: Plot<'_>, root: &Area<'_>, panel: &Panel) -> Result<(), Fault> {
    let mut ends = Vec::new();
    // Ours last, so that nobody's line hides it.
    let (ours, others): (Vec<_>, Vec<_>) = panel.lines.iter().partition(|line| line.name == OURS);
    for line in others.into_iter().chain(ours) {
        let points = points(line);
        let style = colour(&line.name).stroke_width(if line.name == OURS { 4 } else { 2 });
        let dots = points.iter().map(|&at| Circle::new(at, 3, style.filled()));
        chart.draw_series(dots)?;
        if let Some(end) = points.last() {
            let (x, y) = chart.plotting_area().map_coordinate(end);
            ends.push(End {
                name: &line.name,
                at: (x, y),
                name_at: y,
            });
        }
        chart.draw_series(LineSeries::new(points, style))?;
    }
    let right = chart.plotting_area().get_x_axis_pixel_range().end;
    names(root, ends, right)
}

/// Where a line ends, and how high its name stands.
#[derive(Debug)]
struct End<'a> {
    name: &'a str,
    at: (i32, i32),
    name_at: i32,
}

/// Moves names apart, downwards, in the order in which the lines end.
fn spread(ends: &mut [End<'_>]) {
    ends.sort_by_key(|end| end.at.1);
    let mut free = i32::MIN;
    for end in &mut *ends {
        end.name_at = end.name_at.max(free);
        free = end.name_at + BETWEEN_NAMES;
    }
    // Below the plot there is no room: from the last one, upwards again.
    let lowest = i32::try_from(HEIGHT).unwrap_or(i32::MAX) - 60;
    let mut free = lowest;
    for end in ends.iter_mut().rev() {
        end.name_at = end.name_at.min(free);
        free = end.name_at - BETWEEN_NAMES;
    }
}

fn names(root: &Area<'_>, mut ends: Vec<End<'_>>, right: i32) -> Result<(), Fault> {
    spread(&mut ends);
    let left = Pos::new(HPos::Left, VPos::Center);
    for end in &ends {
        let colour = colour(end.name);
        let leader = vec![end.at, (right + 18, end.name_at)];
        root.draw(&PathElement::new(leader, colour.mix(0.5).stroke_width(1)))?;
        let size = if end.name == OURS { 15 } else { 13 };
        let style = (FONT, size).into_font().color(&colour).pos(left);
        root.draw(&Text::new(end.name, (right + 22, end.name_at), style))?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_scale_is_marked_at_round_numbers() {
        assert_eq!(ticks(9.5, 210.0), [10.0, 20.0, 50.0, 100.0, 200.0]);
        assert_eq!(ticks(0.4, 2.0), [0.5, 1.0, 2.0]);
        assert_eq!([0.5, 20.0, 5000.0].map(nanos), ["0.5", "20", "5000"]);
    }

    #[test]
    fn a_scale_without_end_is_refused() {
        let graph = |figure| Graph {
            title: "growth".to_owned(),
            along: String::new(),
            points: vec!["1".to_owned(), "2".to_owned()],
            panels: vec![Panel {
                title: String::new(),
                lines: vec![Line {
                    name: OURS.to_owned(),
                    figures: vec![Some(figure), Some(9.0)],
                }],
            }],
        };
        assert!(svg(&graph(1.0)).is_ok());
        for figure in [0.0, -1.0, f64::INFINITY] {
            let error = svg(&graph(figure)).expect_err("no such scale");
            assert!(error.starts_with("growth: "), "{error}");
        }
    }

    #[test]
    fn names_do_not_cover_each_other() {
        let end = |name, y| End {
            name,
            at: (0, y),
            name_at: y,
        };
        let mut ends = [end("b", 101), end("a", 100), end("c", 300), end("d", 359)];
        ends[3].at.1 = 500;
        ends[3].name_at = 500;
        spread(&mut ends);
        let at: Vec<_> = ends.iter().map(|end| (end.name, end.name_at)).collect();
        assert_eq!(at, [("a", 100), ("b", 115), ("c", 300), ("d", 360)]);
    }
}
