//! Dates as people type them. In: "2024", "2024-05", "2024-05-17" or "2024-05-17T18:30". Out: seconds since 1970 on the
//! camera's own clock.

use jiff::civil::{Date, DateTime};

/// The first second of the year, month or day, or the very minute.
///
/// # Errors
/// A sentence with the forms that are understood.
pub fn parse(text: &str) -> Result<i64, String> {
    let date = parsed(text).ok_or_else(|| format!("{text:?} is no date; write 2024, 2024-05 or 2024-05-17"))?;
    let zoned = date.to_zoned(jiff::tz::TimeZone::UTC).map_err(|error| error.to_string())?;
    Ok(zoned.timestamp().as_second())
}

fn parsed(text: &str) -> Option<DateTime> {
    let is_year = text.len() == 4 && text.bytes().all(|b| b.is_ascii_digit());
    if is_year {
        return Date::new(text.parse().ok()?, 1, 1).ok().map(DateTime::from);
    }
    if text.len() == 7 {
        return format!("{text}-01").parse::<Date>().ok().map(DateTime::from);
    }
    text.parse::<DateTime>().or_else(|_| text.parse::<Date>().map(DateTime::from)).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, expected: Option<i64>) {
        assert_eq!(parse(text).ok(), expected, "{text}");
    }

    #[test]
    fn years_months_days_and_minutes_are_understood() {
        check("1970", Some(0));
        check("1970-02", Some(31 * 86_400));
        check("1970-01-02", Some(86_400));
        check("1970-01-01T00:01", Some(60));
    }

    #[test]
    fn anything_else_is_refused() {
        for text in ["", "yesterday", "2024-13", "2024-02-30", "24-1-1"] {
            check(text, None);
        }
    }
}
