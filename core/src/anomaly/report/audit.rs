//! The audit log as a file: one line a decision. In: entries. Out: CSV after RFC 4180, or one JSON document; both name the
//! time in UTC.

use serde::Serialize;

use super::csv::field;
use crate::error::{Error, Result};
use crate::index::ReviewEntry;

/// A form of the audit log.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AuditFormat {
    /// For a spreadsheet.
    Csv,
    /// For a program.
    Json,
}

impl AuditFormat {
    /// The form that a file's ending asks for.
    ///
    /// # Errors
    /// Another ending than csv and json.
    pub fn of_ending(path: &std::path::Path) -> Result<Self> {
        match path.extension().map(|ending| ending.to_ascii_lowercase()) {
            Some(ending) if ending == "csv" => Ok(Self::Csv),
            Some(ending) if ending == "json" => Ok(Self::Json),
            _ => Err(Error::bad_file(path, "the audit log is written as CSV or JSON", "end the name in .csv or .json")),
        }
    }
}

/// An entry with its time in words.
#[derive(Serialize)]
pub struct AuditRow<'a> {
    /// When, in UTC.
    pub time: String,
    /// The entry.
    #[serde(flatten)]
    pub entry: &'a ReviewEntry,
}

/// The entries as they are written.
pub fn audit_rows(entries: &[ReviewEntry]) -> Vec<AuditRow<'_>> {
    entries.iter().map(|entry| AuditRow { time: time(entry.time_ns), entry }).collect()
}

/// The log in one form.
///
/// # Errors
/// Never in practice: JSON can hold every entry.
pub fn audit_bytes(entries: &[ReviewEntry], format: AuditFormat) -> Result<Vec<u8>> {
    match format {
        AuditFormat::Csv => Ok(csv(entries).into_bytes()),
        AuditFormat::Json => Ok(serde_json::to_vec_pretty(&audit_rows(entries)).map_err(std::io::Error::other)?),
    }
}

fn csv(entries: &[ReviewEntry]) -> String {
    let mut text = String::from(
        "number,time,product,version,path,hash,verdict,score,threshold,decision,operator,reason,model\r\n",
    );
    for AuditRow { time, entry } in audit_rows(entries) {
        let review = &entry.review;
        let fields = [
            entry.number.to_string(),
            time,
            field(&review.product),
            review.version.to_string(),
            field(&review.path.to_string_lossy()),
            review.hash.to_hex(),
            field(&review.verdict),
            review.score.to_string(),
            review.threshold.to_string(),
            review.decision.name().to_owned(),
            field(&review.operator),
            field(&review.reason),
            field(&review.model),
        ];
        text.push_str(&fields.join(","));
        text.push_str("\r\n");
    }
    text
}

fn time(time_ns: i64) -> String {
    // Every i64 of nanoseconds lies in jiff's range of years.
    let time = jiff::Timestamp::from_nanosecond(i128::from(time_ns)).unwrap_or(jiff::Timestamp::UNIX_EPOCH);
    time.strftime("%Y-%m-%d %H:%M:%S UTC").to_string()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::index::{ContentHash, Decision, Review};

    fn entry() -> ReviewEntry {
        let review = Review {
            product: "Plate".into(),
            version: 2,
            model: "starter@1".into(),
            path: "parts/a,b.png".into(),
            hash: ContentHash([0xAB; 32]),
            score: 0.5,
            threshold: 0.25,
            verdict: "fail".into(),
            decision: Decision::Accepted,
            operator: "=Ada".into(),
            reason: String::new(),
        };
        ReviewEntry { number: 7, time_ns: 1_700_000_000_000_000_000, review }
    }

    #[test]
    fn a_decision_is_one_line_with_all_it_was_based_on() {
        let text = String::from_utf8(audit_bytes(&[entry()], AuditFormat::Csv).unwrap()).unwrap();
        let hash = "ab".repeat(32);
        let line = format!(
            "7,2023-11-14 22:13:20 UTC,Plate,2,\"parts/a,b.png\",{hash},fail,0.5,0.25,accepted,'=Ada,,starter@1"
        );
        assert_eq!(text.lines().nth(1), Some(&*line));
    }

    #[test]
    fn json_says_the_same() {
        let bytes = audit_bytes(&[entry()], AuditFormat::Json).unwrap();
        let rows: serde_json::Value = serde_json::from_slice(&bytes).unwrap();
        assert_eq!((&rows[0]["number"], &rows[0]["decision"]), (&7.into(), &"accepted".into()));
        assert_eq!(rows[0]["time"], "2023-11-14 22:13:20 UTC");
        assert!(rows[0].get("review").is_none());
    }

    #[test]
    fn another_ending_is_refused() {
        assert!(AuditFormat::of_ending("log.CSV".as_ref()).is_ok());
        assert!(AuditFormat::of_ending("log.xlsx".as_ref()).is_err());
    }
}
