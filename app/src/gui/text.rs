//! How numbers, sizes, dates and names are written in the window, in the language that it speaks.

use std::path::Path;

use jiff::civil::DateTime;
use sightline_core::media::Exposure;

use super::translate::{Language, spoken, tr, tr_with};

/// The months as they are translated.
const MONTHS: [&str; 12] = [
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
];

/// The days of the week as they are translated.
const WEEKDAYS: [&str; 7] = ["Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"];

/// One of something, and several.
const PHOTOS: (&str, &str) = ("1 photo", "{} photos");
const FILES: (&str, &str) = ("1 file", "{} files");
const GROUPS: (&str, &str) = ("1 group", "{} groups");
const PROBLEMS: (&str, &str) = ("1 problem", "{} problems");
const PARTS: (&str, &str) = ("1 part", "{} parts");
const GOOD_PARTS: (&str, &str) = ("1 good part", "{} good parts");

/// What stands between thousands, and what before fractions.
fn separators() -> (char, char) {
    match spoken() {
        Language::English => (',', '.'),
        Language::German => ('.', ','),
    }
}

/// "84,212".
pub fn count(number: u64) -> String {
    let digits = number.to_string();
    let (thousands, _) = separators();
    let mut written = String::with_capacity(digits.len() + digits.len() / 3);
    for (i, digit) in digits.chars().enumerate() {
        if i > 0 && (digits.len() - i).is_multiple_of(3) {
            written.push(thousands);
        }
        written.push(digit);
    }
    written
}

/// "3 of 84,212".
pub fn part(done: u64, total: u64) -> String {
    tr_with("{} of {}", &[&count(done), &count(total)])
}

/// "0.27", with so many digits after the point.
pub fn decimal(number: impl Into<f64>, digits: usize) -> String {
    let (_, point) = separators();
    format!("{:.digits$}", number.into()).replace('.', point.encode_utf8(&mut [0; 4]))
}

/// "+0.27": [`decimal`] with its sign.
pub fn signed(number: impl Into<f64>, digits: usize) -> String {
    let number = number.into();
    let plus = if number.is_sign_negative() { "" } else { "+" };
    format!("{plus}{}", decimal(number, digits))
}

/// "1 photo", "84,212 photos".
pub fn photos(number: usize) -> String {
    counted(number, PHOTOS)
}

/// "1 file", "84,212 files".
pub fn files(number: usize) -> String {
    counted(number, FILES)
}

/// "1 group", "84,212 groups".
pub fn groups(number: usize) -> String {
    counted(number, GROUPS)
}

/// "1 problem", "84,212 problems".
pub fn problems(number: usize) -> String {
    counted(number, PROBLEMS)
}

/// "1 part", "84,212 parts".
pub fn parts(number: usize) -> String {
    counted(number, PARTS)
}

/// "1 good part", "32 good parts".
pub fn good_parts(number: usize) -> String {
    counted(number, GOOD_PARTS)
}

/// "3.1 %", of a share.
pub fn percent(share: f64) -> String {
    format!("{} %", decimal(100.0 * share, usize::from(share < 0.0995)))
}

/// Every language has its own words for one of something and for several.
fn counted(number: usize, (one, several): (&'static str, &'static str)) -> String {
    if number == 1 { tr(one).to_owned() } else { tr_with(several, &[&count(number as u64)]) }
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
        (..1000, _) => tr_with("{} bytes", &[&length.to_string()]),
        (_, ..9.95) => format!("{} {}", decimal(size, 1), units[unit]),
        _ => format!("{size:.0} {}", units[unit]),
    }
}

/// "14 June 2026, 18:42", of seconds since 1970 on the camera's own clock.
pub fn date(seconds: i64) -> String {
    written(seconds, |moment| format!("{}, {:02}:{:02}", day_of_month(moment), moment.hour(), moment.minute()))
}

/// "Sunday, 14 June 2026", of a moment in it.
pub fn day(seconds: i64) -> String {
    written(seconds, |moment| {
        let weekday = WEEKDAYS[moment.weekday().to_monday_zero_offset() as usize];
        format!("{}, {}", tr(weekday), day_of_month(moment))
    })
}

/// "June 2026", of a moment in it.
pub fn month(seconds: i64) -> String {
    written(seconds, |moment| format!("{} {}", month_name(moment), moment.year()))
}

/// 2026, of a moment in it.
pub fn year(seconds: i64) -> i16 {
    moment(seconds).unwrap_or_default().year()
}

fn day_of_month(moment: DateTime) -> String {
    let (day, month, year) = (moment.day(), month_name(moment), moment.year());
    match spoken() {
        Language::English => format!("{day} {month} {year}"),
        Language::German => format!("{day}. {month} {year}"),
    }
}

fn month_name(moment: DateTime) -> &'static str {
    tr(MONTHS[moment.month() as usize - 1])
}

fn written(seconds: i64, form: impl FnOnce(DateTime) -> String) -> String {
    moment(seconds).map_or_else(|| tr("unknown").to_owned(), form)
}

/// `None`: beyond the years that a calendar has.
fn moment(seconds: i64) -> Option<DateTime> {
    let timestamp = jiff::Timestamp::from_second(seconds).ok()?;
    Some(timestamp.to_zoned(jiff::tz::TimeZone::UTC).datetime())
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

/// "2 min left", "40 s left".
pub fn time_left(seconds: f64) -> String {
    match seconds {
        ..90.0 => tr_with("{} s left", &[&decimal(seconds.ceil().max(1.0), 0)]),
        ..5400.0 => tr_with("{} min left", &[&decimal(seconds / 60.0, 0)]),
        _ => tr_with("{} h left", &[&decimal(seconds / 3600.0, 1)]),
    }
}

/// "38 ms", "1.2 s".
pub fn duration(milliseconds: f64) -> String {
    if milliseconds < 999.5 { format!("{milliseconds:.0} ms") } else { format!("{} s", decimal(milliseconds / 1e3, 1)) }
}

/// "1/250 s, f/2.8, 35 mm, ISO 400", or as much of it as is known.
pub fn exposure(exposure: &Exposure) -> Option<String> {
    let Exposure { seconds, f_number, focal_length, iso } = exposure;
    let known = [
        seconds.map(shutter_time),
        f_number.map(|number| format!("f/{}", short(number))),
        focal_length.map(|millimetres| format!("{} mm", short(millimetres))),
        iso.map(|iso| format!("ISO {iso}")),
    ];
    let known: Vec<String> = known.into_iter().flatten().collect();
    (!known.is_empty()).then(|| known.join(" · "))
}

/// As photographers say it: parts of a second from a third down.
fn shutter_time(seconds: f32) -> String {
    if seconds < 0.35 { format!("1/{:.0} s", 1.0 / seconds) } else { format!("{} s", short(seconds)) }
}

/// With one digit after the point, unless that is 0.
fn short(number: f32) -> String {
    decimal(number, usize::from((number - number.round()).abs() >= 0.05))
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
    use super::super::translate::speak;
    use super::*;

    #[track_caller]
    fn check(found: String, expected: &str) {
        assert_eq!(found, expected);
    }

    #[track_caller]
    fn check_german(text: impl FnOnce() -> String, expected: &str) {
        speak(Language::German);
        let found = text();
        speak(Language::English);
        assert_eq!(found, expected);
    }

    #[test]
    fn counts_have_commas_and_plurals() {
        check(count(0), "0");
        check(count(999), "999");
        check(count(84_212), "84,212");
        check(count(1_000_000), "1,000,000");
        check(photos(1), "1 photo");
        check(photos(1204), "1,204 photos");
        check(part(3, 84_212), "3 of 84,212");
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
        check(day(1_781_462_520), "Sunday, 14 June 2026");
        check(date(1_780_272_000), "1 June 2026, 00:00");
        check(date(i64::MAX), "unknown");
    }

    #[test]
    fn every_month_and_weekday_is_in_its_place() {
        let (first_of_january, a_day) = (1_767_225_600, 86_400);
        let months: Vec<String> = (0..12).map(|i| month(first_of_january + (14 + 30 * i) * a_day)).collect();
        assert!(months.iter().zip(MONTHS).all(|(found, name)| *found == format!("{name} 2026")), "{months:?}");
        // 5 January 2026 was a Monday.
        let days: Vec<String> = (4..11).map(|i| day(first_of_january + i * a_day)).collect();
        assert!(days.iter().zip(WEEKDAYS).all(|(found, name)| found.starts_with(name)), "{days:?}");
    }

    #[test]
    fn german_has_its_own_numbers_plurals_and_dates() {
        check_german(|| count(84_212), "84.212");
        check_german(|| photos(1), "1 Foto");
        check_german(|| files(1204), "1.204 Dateien");
        check_german(|| bytes(1_500), "1,5 kB");
        check_german(|| duration(1234.0), "1,2 s");
        check_german(|| time_left(121.0), "noch 2 min");
        check_german(|| date(1_781_462_520), "14. Juni 2026, 18:42");
        check_german(|| day(1_781_462_520), "Sonntag, 14. Juni 2026");
        check_german(|| month(1_781_462_520), "Juni 2026");
    }

    #[test]
    fn fractions_have_the_digits_that_are_asked_for_and_a_sign_if_it_is() {
        check(decimal(0.274_f32, 2), "0.27");
        check(signed(0.5, 3), "+0.500");
        check(signed(-0.5, 1), "-0.5");
        check_german(|| signed(0.125, 3), "+0,125");
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
    fn exposures_are_written_as_photographers_do() {
        let all = Exposure { seconds: Some(0.004), f_number: Some(2.8), focal_length: Some(35.0), iso: Some(400) };
        check(exposure(&all).unwrap(), "1/250 s · f/2.8 · 35 mm · ISO 400");
        check_german(|| exposure(&all).unwrap(), "1/250 s · f/2,8 · 35 mm · ISO 400");
        let long = Exposure { seconds: Some(2.5), f_number: Some(8.0), ..Exposure::default() };
        check(exposure(&long).unwrap(), "2.5 s · f/8");
        assert_eq!(exposure(&Exposure::default()), None);
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
