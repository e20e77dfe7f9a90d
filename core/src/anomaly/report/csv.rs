//! results.csv: one line a part. In: results. Out: text after RFC 4180. A field that a spreadsheet would take for a formula
//! is quoted by an apostrophe.

use super::{Format, Results};
use crate::error::Result;

pub(super) struct Csv;

impl Format for Csv {
    fn file_name(&self) -> &'static str {
        "results.csv"
    }

    fn bytes(&self, results: &Results) -> Result<Vec<u8>> {
        let mut text = String::from(
            "path,name,score,p_value,verdict,regions,worst_x,worst_y,worst_width,worst_height,worst_area,complaint,rank\r\n",
        );
        for row in &results.images {
            let worst = row.regions.first();
            let of_worst = |value: fn(&super::Region) -> String| worst.map(value).unwrap_or_default();
            let fields = [
                field(&row.path.to_string_lossy()),
                field(&row.name),
                row.score.to_string(),
                row.p_value.map(|p| p.to_string()).unwrap_or_default(),
                row.verdict.name().into(),
                row.regions.len().to_string(),
                of_worst(|region| region.x.to_string()),
                of_worst(|region| region.y.to_string()),
                of_worst(|region| region.width.to_string()),
                of_worst(|region| region.height.to_string()),
                of_worst(|region| region.area.to_string()),
                row.complaint.unwrap_or_default().into(),
                row.rank.map(|rank| rank.to_string()).unwrap_or_default(),
            ];
            text.push_str(&fields.join(","));
            text.push_str("\r\n");
        }
        Ok(text.into_bytes())
    }
}

pub(super) fn field(text: &str) -> String {
    let formula = text.starts_with(['=', '+', '-', '@', '\t', '\r']);
    let text = if formula { format!("'{text}") } else { text.to_owned() };
    if text.contains([',', '"', '\n', '\r']) { format!("\"{}\"", text.replace('"', "\"\"")) } else { text }
}

#[cfg(test)]
mod tests {
    use super::field;

    #[test]
    fn a_hostile_name_stays_one_harmless_field() {
        assert_eq!(field("a.png"), "a.png");
        assert_eq!(field("a,\"b\".png"), "\"a,\"\"b\"\".png\"");
        assert_eq!(field("=HYPERLINK(1).png"), "'=HYPERLINK(1).png");
    }
}
