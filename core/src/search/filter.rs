//! What hits must be, apart from what they show. In: an entry of the snapshot. Out: yes or no. Knows no vectors.

use std::collections::HashSet;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use jiff::civil;
use serde::{Deserialize, Serialize};

use super::name;
use crate::error::{Error, Result};
use crate::index::{ContentHash, Entry};

/// Photos by what is in them: an album, a selection.
pub type PhotoSet = HashSet<ContentHash>;

/// What hits must be; what is left out or empty asks for nothing.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Filter {
    /// In one of these folders, or below it. Absolute, and written as the entries' paths are: no `.`, no `//`.
    pub folders: Vec<PathBuf>,
    /// Taken then or later: seconds since 1970 on the camera's clock, as [`Entry::date`] and [`day_start`] have them.
    pub after: Option<i64>,
    /// Taken before then, not at it.
    pub before: Option<i64>,
    /// Taken by one of these: parts of make and model, in any case.
    pub cameras: Vec<String>,
    /// Taken through one of these: parts of the lens's name, in any case.
    pub lenses: Vec<String>,
    /// Of one of these containers ("jpeg"), in any case.
    pub formats: Vec<String>,
    /// With a place where it was taken (`true`) or without one (`false`).
    pub has_position: Option<bool>,
    /// Files of so many bytes or more.
    pub min_bytes: Option<u64>,
    /// Files of so many bytes or fewer.
    pub max_bytes: Option<u64>,
    /// In each of these sets: an album, what was chosen on the map.
    /// Not kept with a saved search.
    #[serde(skip)]
    pub photos: Vec<Arc<PhotoSet>>,
    /// With so many of the user's stars or more.
    pub least_stars: u8,
    /// With all of these tags, in any case.
    pub tags: Vec<String>,
    /// With this in the file's name, in any case.
    pub name_contains: Option<String>,
    /// One of the user's favourites.
    pub favourites_only: bool,
    /// On a drive that is there now.
    pub online_only: bool,
}

impl Filter {
    /// Does the filter ask for nothing?
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// Is this file what is asked for? The cheap questions come first.
    pub fn matches(&self, entry: &Entry) -> bool {
        (entry.is_favourite || !self.favourites_only)
            && !(entry.is_offline && self.online_only)
            && self.least_stars <= entry.rating
            && self.matches_size(entry)
            && self.matches_date(entry)
            && self.has_position.is_none_or(|has| has == entry.photo.position.is_some())
            && self.photos.iter().all(|photos| photos.contains(&entry.hash))
            && has_part(entry.photo.camera.as_deref(), &self.cameras)
            && has_part(entry.photo.lens.as_deref(), &self.lenses)
            && self.matches_format(entry)
            && self.matches_tags(entry)
            && self.matches_name(entry)
            && self.matches_folder(entry)
    }

    fn matches_date(&self, entry: &Entry) -> bool {
        let date = entry.date();
        self.after.is_none_or(|after| after <= date) && self.before.is_none_or(|before| date < before)
    }

    fn matches_size(&self, entry: &Entry) -> bool {
        self.min_bytes.is_none_or(|least| least <= entry.size) && self.max_bytes.is_none_or(|most| entry.size <= most)
    }

    fn matches_format(&self, entry: &Entry) -> bool {
        self.formats.is_empty() || self.formats.iter().any(|format| name::equals(&entry.photo.format, format))
    }

    fn matches_tags(&self, entry: &Entry) -> bool {
        self.tags.iter().all(|wanted| entry.tags.iter().any(|tag| name::equals(tag, wanted)))
    }

    fn matches_name(&self, entry: &Entry) -> bool {
        let name = || entry.path.file_name().unwrap_or_default().to_string_lossy();
        self.name_contains.as_deref().is_none_or(|part| name::contains(&name(), part))
    }

    fn matches_folder(&self, entry: &Entry) -> bool {
        self.folders.is_empty() || self.folders.iter().any(|folder| is_under(&entry.path, folder))
    }
}

/// Is one of the parts in it, in any case? No parts ask for nothing.
fn has_part(text: Option<&str>, parts: &[String]) -> bool {
    parts.is_empty() || parts.iter().any(|part| name::contains(text.unwrap_or_default(), part))
}

/// Is it in this folder or below it? [`Path::starts_with`], which takes paths apart, is six times slower.
fn is_under(path: &Path, folder: &Path) -> bool {
    let (path, folder) = (path.as_os_str().as_encoded_bytes(), folder.as_os_str().as_encoded_bytes());
    let is_end = |byte: Option<&u8>| byte.is_none_or(|byte| std::path::is_separator(char::from(*byte)));
    path.starts_with(folder) && (is_end(folder.last()) || is_end(path.get(folder.len())))
}

/// When a year ("2024"), a month ("2024-05") or a day ("2024-05-17") begins: seconds since 1970 on the camera's own
/// clock, which has no zone.
///
/// # Errors
/// [`Error::BadRequest`] for a text that is none of these.
pub fn day_start(text: &str) -> Result<i64> {
    let text = text.trim();
    let whole = match text.len() {
        4 => format!("{text}-01-01"),
        7 => format!("{text}-01"),
        _ => text.to_owned(),
    };
    let refused = || Error::bad_request(format!("{text:?} is no date"), "write it as 2024-05-17, 2024-05 or 2024");
    // Ten characters keep out what jiff would take besides, such as a time of day.
    let day = (whole.len() == 10).then(|| whole.parse::<civil::Date>().ok()).flatten().ok_or_else(refused)?;
    let midnight = day.to_zoned(jiff::tz::TimeZone::UTC).map_err(|_| refused())?;
    Ok(midnight.timestamp().as_second())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::search::hit::tests::entry;

    /// A favourite of 1 January 2024, taken by a Canon through a Sigma in Bern, tagged "Snow", on a drive that is not
    /// there.
    fn photo() -> Entry {
        let mut entry = entry("/photos/trip/Dog.jpg", None);
        let photo = std::sync::Arc::make_mut(&mut entry.photo);
        photo.taken = Some(1_704_067_200);
        photo.camera = Some("Canon EOS 5D".to_owned());
        photo.lens = Some("Sigma 35mm F1.4".to_owned());
        photo.position = Some((46.9, 7.4));
        Entry { tags: ["Snow".to_owned()].into(), is_favourite: true, is_offline: true, ..entry }
    }

    #[track_caller]
    fn check(filter: Filter, expected: bool) {
        assert_eq!(filter.matches(&photo()), expected, "{filter:?}");
    }

    #[test]
    fn an_empty_filter_takes_everything() {
        assert!(Filter::default().is_empty());
        check(Filter::default(), true);
    }

    #[test]
    fn one_of_the_folders_is_enough_and_parts_of_their_names_are_not() {
        check(Filter { folders: vec!["/other".into(), "/photos".into()], ..Filter::default() }, true);
        check(Filter { folders: vec!["/photos/trip/".into()], ..Filter::default() }, true);
        check(Filter { folders: vec!["/photos/trip/Dog.jpg".into(), "/".into()], ..Filter::default() }, true);
        check(Filter { folders: vec!["/photos/tri".into()], ..Filter::default() }, false);
    }

    #[test]
    fn dates_begin_with_after_and_end_before_before() {
        check(Filter { after: Some(1_704_067_200), ..Filter::default() }, true);
        check(Filter { before: Some(1_704_067_200), ..Filter::default() }, false);
        check(Filter { after: Some(1_704_067_199), before: Some(1_704_067_201), ..Filter::default() }, true);
    }

    #[test]
    fn one_of_the_cameras_is_enough() {
        check(Filter { cameras: vec!["nikon".to_owned(), "canon".to_owned()], ..Filter::default() }, true);
        check(Filter { cameras: vec!["nikon".to_owned()], ..Filter::default() }, false);
    }

    #[test]
    fn one_of_the_lenses_and_one_of_the_formats_is_enough() {
        let words = |words: &[&str]| words.iter().map(|word| (*word).to_owned()).collect::<Vec<_>>();
        check(Filter { lenses: words(&["tamron", "sigma"]), ..Filter::default() }, true);
        check(Filter { lenses: words(&["tamron"]), ..Filter::default() }, false);
        check(Filter { formats: words(&["jpeg", "PNG"]), ..Filter::default() }, true);
        check(Filter { formats: words(&["jpeg"]), ..Filter::default() }, false);
    }

    #[test]
    fn a_place_and_a_size_count_only_when_asked() {
        check(Filter { has_position: Some(true), ..Filter::default() }, true);
        check(Filter { has_position: Some(false), ..Filter::default() }, false);
        check(Filter { min_bytes: Some(1), max_bytes: Some(1), ..Filter::default() }, true);
        check(Filter { min_bytes: Some(2), ..Filter::default() }, false);
        check(Filter { max_bytes: Some(0), ..Filter::default() }, false);
    }

    #[test]
    fn a_photo_must_be_in_every_set() {
        let all: Arc<PhotoSet> = Arc::new([photo().hash].into());
        check(Filter { photos: vec![Arc::clone(&all)], ..Filter::default() }, true);
        check(Filter { photos: vec![all, Arc::default()], ..Filter::default() }, false);
    }

    #[test]
    fn all_of_the_tags_are_needed() {
        check(Filter { tags: vec!["snow".to_owned()], ..Filter::default() }, true);
        check(Filter { tags: vec!["snow".to_owned(), "dog".to_owned()], ..Filter::default() }, false);
    }

    #[test]
    fn the_name_is_the_file_s_not_the_folder_s() {
        check(Filter { name_contains: Some("DOG.j".to_owned()), ..Filter::default() }, true);
        check(Filter { name_contains: Some("trip".to_owned()), ..Filter::default() }, false);
    }

    #[test]
    fn favourites_and_drives_count_only_when_asked() {
        check(Filter { favourites_only: true, ..Filter::default() }, true);
        check(Filter { online_only: true, ..Filter::default() }, false);
    }

    #[track_caller]
    fn check_day(text: &str, expected: Option<i64>) {
        assert_eq!(day_start(text).ok(), expected, "{text:?}");
    }

    #[test]
    fn a_year_a_month_and_a_day_begin_at_midnight() {
        check_day("2024", Some(1_704_067_200));
        check_day("2024-02", Some(1_706_745_600));
        check_day(" 2024-02-29 ", Some(1_709_164_800));
        check_day("1969-12-31", Some(-86_400));
    }

    #[test]
    fn what_is_no_date_is_refused() {
        for text in ["", "yesterday", "2023-02-29", "2024-13", "2024-01-01T00:00", "20240101", "été!"] {
            check_day(text, None);
        }
    }
}
