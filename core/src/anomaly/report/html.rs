//! report.html: one file that shows in any browser and prints well. In: results. Out: a page that loads nothing from
//! anywhere: styles, the histogram and the overlays are within it.

use std::fmt::Write as _;

use super::{Format, PartRow, Results};
use crate::anomaly::verdict::Verdict;
use crate::error::Result;

pub(super) struct Html;

impl Format for Html {
    fn file_name(&self) -> &'static str {
        "report.html"
    }

    fn bytes(&self, results: &Results) -> Result<Vec<u8>> {
        Ok(page(results).into_bytes())
    }
}

const STYLE: &str = include_str!("report.css");

fn page(results: &Results) -> String {
    let title = results.product.as_deref().unwrap_or("Inspection");
    let sections = [summary(results), histogram(results), worst(results), every_part(results), settings(results)];
    format!(
        "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\"><title>{title} – Sightline</title>\n\
         <style>{STYLE}</style></head><body>\n<h1>{title}</h1>\n{}</body></html>\n",
        sections.join("\n"),
        title = escaped(title),
    )
}

fn summary(results: &Results) -> String {
    let count = |verdict: Verdict| results.images.iter().filter(|row| row.verdict == verdict).count();
    let fail = results.fail_threshold.map_or("none".into(), |fail| format!("above {fail:.4}"));
    let rows = [
        ("Begun", results.begun.clone()),
        ("Parts", results.images.len().to_string()),
        ("Not readable", results.failed.len().to_string()),
        ("Method", format!("{} with {} references", results.method, results.references)),
        ("Model", results.model.clone()),
        ("Review", format!("above {:.4}", results.threshold)),
        ("Fail", fail),
        ("Time", format!("{:.1} s", results.seconds)),
    ];
    let mut html = String::from("<section><div class=\"tiles\">");
    for verdict in [Verdict::Pass, Verdict::Review, Verdict::Fail] {
        let name = verdict.name();
        write(&mut html, format_args!("<div class=\"tile {name}\"><b>{}</b>{name}</div>", count(verdict)));
    }
    html.push_str("</div><table class=\"facts\">");
    for (name, value) in rows {
        write(&mut html, format_args!("<tr><th>{name}</th><td>{}</td></tr>", escaped(&value)));
    }
    html.push_str("</table>");
    for note in &results.notes {
        write(&mut html, format_args!("<p class=\"note\">{}</p>", escaped(note)));
    }
    html + "</section>"
}

const BARS: usize = 40;
const WIDTH: f32 = 800.0;
const HEIGHT: f32 = 160.0;

/// The parts' scores as bars, the thresholds as lines, the good parts of the calibration as ticks below.
fn histogram(results: &Results) -> String {
    let scores = || results.images.iter().map(|row| row.score);
    let ok = || results.calibration.ok.iter().map(|part| part.score);
    let marks = [Some(results.threshold), results.fail_threshold];
    let all = || scores().chain(ok()).chain(marks.into_iter().flatten());
    let (low, high) = (all().fold(f32::MAX, f32::min), all().fold(f32::MIN, f32::max));
    if results.images.is_empty() || high <= low {
        return String::new();
    }
    let place = |score: f32| (score - low) / (high - low);
    let mut counts = [0_usize; BARS];
    scores().for_each(|score| counts[((place(score) * BARS as f32) as usize).min(BARS - 1)] += 1);
    let most = counts.iter().copied().max().unwrap_or(1).max(1);
    let mut svg = format!("<section><h2>Scores</h2><svg viewBox=\"0 -8 {WIDTH} {}\" class=\"chart\">", HEIGHT + 40.0);
    for (at, count) in counts.iter().enumerate().filter(|(_, count)| **count > 0) {
        let (wide, high) = (WIDTH / BARS as f32, HEIGHT * *count as f32 / most as f32);
        let x = at as f32 * wide;
        let bar = format_args!(
            "<rect x=\"{x:.1}\" y=\"{:.1}\" width=\"{:.1}\" height=\"{high:.1}\"><title>{count}</title></rect>",
            HEIGHT - high,
            wide - 1.0
        );
        write(&mut svg, bar);
    }
    // One below the other: the thresholds often lie side by side.
    for (y, name, mark) in [(2, "review", Some(results.threshold)), (18, "fail", results.fail_threshold)] {
        let Some(x) = mark.map(|mark| place(mark) * WIDTH) else { continue };
        let (anchor, dx) = if x > 0.8 * WIDTH { ("end", -4) } else { ("start", 4) };
        let line = format_args!(
            "<line class=\"{name}\" x1=\"{x:.1}\" x2=\"{x:.1}\" y1=\"-8\" y2=\"{HEIGHT}\"/>\
             <text x=\"{x:.1}\" y=\"{y}\" dx=\"{dx}\" text-anchor=\"{anchor}\">{name}</text>"
        );
        write(&mut svg, line);
    }
    for x in ok().map(|score| place(score) * WIDTH) {
        write(
            &mut svg,
            format_args!("<line class=\"ok\" x1=\"{x:.1}\" x2=\"{x:.1}\" y1=\"{HEIGHT}\" y2=\"{}\"/>", HEIGHT + 8.0),
        );
    }
    let ends = format_args!(
        "<text x=\"0\" y=\"{y}\">{low:.4}</text><text x=\"{WIDTH}\" y=\"{y}\" text-anchor=\"end\">{high:.4}</text>",
        y = HEIGHT + 24.0
    );
    write(&mut svg, ends);
    svg + "</svg><p class=\"small\">Ticks below the line: good parts of the calibration.</p></section>"
}

fn worst(results: &Results) -> String {
    if results.worst.is_empty() {
        return String::new();
    }
    let mut html = format!("<section><h2>Worst first</h2>{}<div class=\"grid\">", legend(results.calibration.colours));
    for (at, jpeg) in &results.worst {
        let Some(row) = results.images.get(*at) else { continue };
        let figure = format_args!(
            "<figure><img alt=\"{name}\" src=\"data:image/jpeg;base64,{}\"><figcaption><b class=\"{verdict}\">{verdict}</b> \
             {name} · {:.4} · {}</figcaption></figure>",
            base64(jpeg),
            row.score,
            regions(row.regions.len()),
            name = escaped(&row.name),
            verdict = row.verdict.name(),
        );
        write(&mut html, figure);
    }
    html + "</div></section>"
}

fn regions(count: usize) -> String {
    if count == 1 { "1 region".into() } else { format!("{count} regions") }
}

/// What the colours of the overlays mean: one scale for every part of the product.
fn legend([low, high]: [f32; 2]) -> String {
    let colour = |step: u8| {
        let [red, green, blue] = super::inferno(f32::from(step) / 8.0);
        format!("rgb({red},{green},{blue})")
    };
    let colours: Vec<String> = (0..=8).map(colour).collect();
    format!(
        "<p class=\"small\">{low:.4} <span class=\"scale\" style=\"background:linear-gradient(90deg,{})\"></span> {high:.4}: \
         one scale of colours for every part</p>",
        colours.join(",")
    )
}

fn every_part(results: &Results) -> String {
    let mut rows: Vec<&PartRow> = results.images.iter().collect();
    rows.sort_by(|a, b| b.score.total_cmp(&a.score));
    let mut html = String::from(
        "<section><h2>Every part</h2><table class=\"parts\"><thead><tr><th>Part</th><th>Verdict</th><th>Score</th>\
         <th>p</th><th>Regions</th><th>Largest</th><th></th></tr></thead><tbody>",
    );
    for row in rows {
        let largest = row.regions.iter().map(|region| region.area).reduce(f64::max);
        let line = format_args!(
            "<tr><td>{}</td><td class=\"{verdict}\">{verdict}</td><td>{:.4}</td><td>{}</td><td>{}</td><td>{}</td><td>{}</td></tr>\n",
            escaped(&row.name),
            row.score,
            row.p_value.map_or("–".into(), |p| format!("{p:.3}")),
            row.regions.len(),
            largest.map_or(String::new(), |area| format!("{area:.0} px")),
            escaped(row.complaint.unwrap_or_default()),
            verdict = row.verdict.name(),
        );
        write(&mut html, line);
    }
    for problem in &results.failed {
        let (path, reason) = (escaped(&problem.path.to_string_lossy()), escaped(&problem.reason));
        write(&mut html, format_args!("<tr><td>{path}</td><td colspan=\"6\" class=\"note\">{reason}</td></tr>\n"));
    }
    html + "</tbody></table></section>"
}

fn settings(results: &Results) -> String {
    // Plain numbers and texts always have a form as JSON.
    let settings = serde_json::to_string_pretty(&results.settings).unwrap_or_default();
    format!("<section><h2>Settings</h2><pre>{}</pre></section>", escaped(&settings))
}

/// Writing to a string does not fail.
fn write(html: &mut String, text: std::fmt::Arguments<'_>) {
    html.write_fmt(text).ok();
}

fn escaped(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for letter in text.chars() {
        match letter {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\'' => escaped.push_str("&#39;"),
            letter => escaped.push(letter),
        }
    }
    escaped
}

/// RFC 4648, section 4.
fn base64(bytes: &[u8]) -> String {
    const LETTERS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut text = String::with_capacity(bytes.len().div_ceil(3) * 4);
    for three in bytes.chunks(3) {
        let byte = |at: usize| u32::from(three.get(at).copied().unwrap_or(0));
        let bits = byte(0) << 16 | byte(1) << 8 | byte(2);
        for at in 0..4 {
            let is_filling = at > three.len();
            let letter = LETTERS[(bits >> (18 - 6 * at)) as usize & 63];
            text.push(if is_filling { '=' } else { char::from(letter) });
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_become_letters_as_the_standard_says() {
        let pairs =
            [("", ""), ("f", "Zg=="), ("fo", "Zm8="), ("foo", "Zm9v"), ("foob", "Zm9vYg=="), ("fooba", "Zm9vYmE=")];
        for (bytes, text) in pairs {
            assert_eq!(base64(bytes.as_bytes()), text);
        }
    }

    #[test]
    fn one_region_is_no_plural_and_the_legend_names_both_ends() {
        assert_eq!((regions(1), regions(2)), ("1 region".into(), "2 regions".into()));
        let legend = legend([0.125, 0.5]);
        assert!(legend.contains("0.1250") && legend.contains("0.5000") && !legend.contains("url("), "{legend}");
    }

    #[test]
    fn a_hostile_name_is_only_text() {
        assert_eq!(escaped("<script>'\"&"), "&lt;script&gt;&#39;&quot;&amp;");
    }
}
