//! How numbers, sizes, dates and names are written in the window. Pure.

use std::path::Path;

/// "84,212".
pub fn count(number: u64) -> String {
    let digits = number.to_string();
    let mut written = String::with_capacity(digits.len() + digits.len() / 3);
    for (i, digit) in digits.chars().enumerate() {
        if i > 0 && (digits.len() - i).is_multiple_of(3) {
            written.push(',');
        }
        written.push(digit);
    }
    written
}

/// "1 photo", "84,212 photos".
pub fn counted(number: usize, thing: &str) -> String {
    let plural = if number == 1 { "" } else { "s" };
    format!("{} {thing}{plural}", count(number as u64))
}

/// "14.2 MB".
pub fn bytes(length: u64) -> String {
    let units = ["kB", "MB", "GB", "TB"];
    let mut size = length as f64 / 1e3;
    let mut unit = 0;
    while size >= 999.5 && unit + 1 < units.len() {
        size /= 1e3;
        unit += 1;
    }
    match (length, size) {
        (..1000, _) => format!("{length} bytes"),
        (_, ..9.95) => format!("{size:.1} {}", units[unit]),
        _ => format!("{size:.0} {}", units[unit]),
    }
}

/// "14 June 2026, 18:42", of seconds since 1970 on the camera's own clock.
pub fn date(seconds: i64) -> String {
    written(seconds, "%-d %B %Y, %H:%M")
}

/// "Sunday, 14 June 2026", of a moment in it.
pub fn day(seconds: i64) -> String {
    written(seconds, "%A, %-d %B %Y")
}

/// "June 2026", of a moment in it.
pub fn month(seconds: i64) -> String {
    written(seconds, "%B %Y")
}

/// 2026, of a moment in it.
pub fn year(seconds: i64) -> i16 {
    let timestamp = jiff::Timestamp::from_second(seconds).unwrap_or_default();
    timestamp.to_zoned(jiff::tz::TimeZone::UTC).year()
}

/// "March to June 2026", of the first moment of it and the first one after it.
pub fn span(after: Option<i64>, before: Option<i64>) -> String {
    let last = before.map(|before| month(before - 1));
    match (after.map(month), last) {
        (Some(first), Some(last)) if first == last => first,
        (Some(first), Some(last)) => format!("{first} – {last}"),
        (Some(first), None) => format!("{first} –"),
        (None, Some(last)) => format!("– {last}"),
        (None, None) => String::new(),
    }
}

fn written(seconds: i64, form: &str) -> String {
    let Ok(timestamp) = jiff::Timestamp::from_second(seconds) else { return "unknown".to_owned() };
    timestamp.to_zoned(jiff::tz::TimeZone::UTC).strftime(form).to_string()
}

/// "2 min left", "40 s left".
pub fn time_left(seconds: f64) -> String {
    match seconds {
        ..90.0 => format!("{} s left", seconds.ceil().max(1.0)),
        ..5400.0 => format!("{} min left", (seconds / 60.0).round()),
        _ => format!("{:.1} h left", seconds / 3600.0),
    }
}

/// "38 ms", "1.2 s".
pub fn duration(milliseconds: f64) -> String {
    if milliseconds < 999.5 { format!("{milliseconds:.0} ms") } else { format!("{:.1} s", milliseconds / 1e3) }
}

/// The last part of a path, for people to read.
pub fn name(path: &Path) -> String {
    path.file_name().unwrap_or(path.as_os_str()).to_string_lossy().into_owned()
}

/// The last two folders of a file, as in "Pictures / 2026 Iceland".
pub fn folder(path: &Path) -> String {
    let parts = path.parent().into_iter().flat_map(|folder| folder.components().rev().take(2));
    let mut parts: Vec<String> = parts.map(|part| part.as_os_str().to_string_lossy().into_owned()).collect();
    parts.reverse();
    parts.join(" / ")
}

/// A sentence with a capital and a full stop, from an error's text that has neither.
pub fn sentence(error: &str) -> String {
    let mut letters = error.trim().chars();
    let first = letters.next().map(|letter| letter.to_uppercase().to_string()).unwrap_or_default();
    let rest = letters.as_str();
    let stop = if rest.ends_with(['.', '!', '?']) { "" } else { "." };
    format!("{first}{rest}{stop}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(found: String, expected: &str) {
        assert_eq!(found, expected);
    }

    #[test]
    fn counts_have_commas_and_plurals() {
        check(count(0), "0");
        check(count(999), "999");
        check(count(84_212), "84,212");
        check(count(1_000_000), "1,000,000");
        check(counted(1, "photo"), "1 photo");
        check(counted(1204, "photo"), "1,204 photos");
    }

    #[test]
    fn sizes_have_two_or_three_digits() {
        check(bytes(17), "17 bytes");
        check(bytes(1_500), "1.5 kB");
        check(bytes(14_200_000), "14 MB");
        check(bytes(999_600), "1.0 MB");
    }

    #[test]
    fn dates_are_written_out() {
        check(date(1_781_462_520), "14 June 2026, 18:42");
    }

    #[test]
    fn spans_name_their_first_and_last_month() {
        let (june, july) = (1_780_272_000, 1_782_864_000);
        check(month(june), "June 2026");
        check(span(Some(june), Some(july)), "June 2026");
        check(span(Some(june), Some(july + 1)), "June 2026 – July 2026");
        check(span(Some(june), None), "June 2026 –");
        assert_eq!(year(june), 2026);
    }

    #[test]
    fn times_are_rounded_to_what_matters() {
        check(time_left(0.2), "1 s left");
        check(time_left(40.0), "40 s left");
        check(time_left(121.0), "2 min left");
        check(duration(38.4), "38 ms");
        check(duration(1234.0), "1.2 s");
    }

    #[test]
    fn folders_are_the_last_two() {
        check(folder(Path::new("/home/me/Pictures/2026 Iceland/a.jpg")), "Pictures / 2026 Iceland");
        check(name(Path::new("/a/b.jpg")), "b.jpg");
        check(name(Path::new("/")), "/");
    }

    #[test]
    fn errors_become_sentences() {
        check(sentence("the disk is full; free some space"), "The disk is full; free some space.");
        check(sentence(""), ".");
    }
}
