//! What a set of photos is made of: how many of each camera, lens, format, tag and folder, and how many each day. In: a
//! snapshot and which of its files count. Out: numbers for the filters and the timeline. One pass; knows no vectors.

use std::collections::{BTreeMap, HashMap};
use std::path::{Path, PathBuf};

use jiff::civil;

use crate::index::{Entry, Snapshot};

/// Seconds of a day on the camera's clock, which knows no summer time.
const DAY: i64 = 86_400;

/// How many files have each value.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Facets {
    /// Files that were counted.
    pub total: usize,
    /// By make and model, most first; of equals by name.
    pub cameras: Vec<Count>,
    /// By lens.
    pub lenses: Vec<Count>,
    /// By container ("jpeg").
    pub formats: Vec<Count>,
    /// By tag; a file counts for each of its tags.
    pub tags: Vec<Count>,
    /// By folder, sorted by path: those with files in them, and those that hold such folders.
    pub folders: Vec<FolderCount>,
    /// Files a day, oldest day first; days without any are left out.
    pub days: Vec<TimeCount>,
    /// Files with a place where they were taken.
    pub with_position: usize,
    /// Favourites.
    pub favourites: usize,
}

/// A value and how many files have it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Count {
    /// The camera, lens, format or tag.
    pub value: String,
    /// How many files.
    pub count: usize,
}

/// A folder and how many files it holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FolderCount {
    /// Absolute.
    pub path: PathBuf,
    /// Files in the folder itself.
    pub here: usize,
    /// Files in it and in all below it.
    pub below: usize,
}

/// A span of time and how many files were taken in it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TimeCount {
    /// When it begins: seconds since 1970 as [`Entry::date`] has them, so it can be a [`super::Filter::after`].
    pub start: i64,
    /// How many files.
    pub count: usize,
}

impl Facets {
    /// Files a month, oldest first: `start` is the month's first midnight.
    pub fn months(&self) -> Vec<TimeCount> {
        let mut months: Vec<TimeCount> = Vec::new();
        for day in &self.days {
            let start = month_start(day.start);
            match months.last_mut().filter(|month| month.start == start) {
                Some(month) => month.count += day.count,
                None => months.push(TimeCount { start, ..*day }),
            }
        }
        months
    }
}

/// Counts the files `entries`, indices into [`Snapshot::entries`].
///
/// # Panics
/// For an index that is not there.
pub fn facets(snapshot: &Snapshot, entries: impl IntoIterator<Item = u32>) -> Facets {
    let mut tally = Tally::default();
    for entry in entries {
        tally.add(&snapshot.entries[entry as usize]);
    }
    tally.finish()
}

#[derive(Default)]
struct Tally<'a> {
    facets: Facets,
    cameras: HashMap<&'a str, usize>,
    lenses: HashMap<&'a str, usize>,
    formats: HashMap<&'a str, usize>,
    tags: HashMap<&'a str, usize>,
    folders: HashMap<&'a Path, usize>,
    days: HashMap<i64, usize>,
    /// The folder of the last file and its count so far: neighbours lie in one folder.
    last: Option<(&'a Path, usize)>,
}

impl<'a> Tally<'a> {
    fn add(&mut self, entry: &'a Entry) {
        self.facets.total += 1;
        self.facets.favourites += usize::from(entry.is_favourite);
        self.facets.with_position += usize::from(entry.photo.position.is_some());
        count(&mut self.cameras, entry.photo.camera.as_deref());
        count(&mut self.lenses, entry.photo.lens.as_deref());
        count(&mut self.formats, Some(entry.photo.format.as_str()));
        entry.tags.iter().for_each(|tag| count(&mut self.tags, Some(tag)));
        *self.days.entry(entry.date().div_euclid(DAY)).or_default() += 1;
        let folder = folder_of(entry);
        match &mut self.last {
            Some((last, count)) if *last == folder => *count += 1,
            _ => {
                self.close_folder();
                self.last = Some((folder, 1));
            }
        }
    }

    fn close_folder(&mut self) {
        if let Some((folder, count)) = self.last.take() {
            *self.folders.entry(folder).or_default() += count;
        }
    }

    fn finish(mut self) -> Facets {
        self.close_folder();
        let mut days: Vec<TimeCount> =
            self.days.into_iter().map(|(day, count)| TimeCount { start: day * DAY, count }).collect();
        days.sort_unstable_by_key(|day| day.start);
        Facets {
            cameras: sorted(self.cameras),
            lenses: sorted(self.lenses),
            formats: sorted(self.formats),
            tags: sorted(self.tags),
            folders: with_ancestors(&self.folders),
            days,
            ..self.facets
        }
    }
}

/// The folder of a file. [`Path::parent`], which takes the path apart, is slower than all the rest here.
#[cfg(unix)]
fn folder_of(entry: &Entry) -> &Path {
    use std::os::unix::ffi::OsStrExt as _;
    let path = entry.path.as_os_str().as_bytes();
    let end = path.iter().rposition(|byte| *byte == b'/').unwrap_or_default().max(1);
    Path::new(std::ffi::OsStr::from_bytes(&path[..end.min(path.len())]))
}

#[cfg(not(unix))]
fn folder_of(entry: &Entry) -> &Path {
    entry.path.parent().unwrap_or(&entry.path)
}

fn count<'a>(counts: &mut HashMap<&'a str, usize>, value: Option<&'a str>) {
    if let Some(value) = value {
        *counts.entry(value).or_default() += 1;
    }
}

fn sorted(counts: HashMap<&str, usize>) -> Vec<Count> {
    let count = |(value, count): (&str, usize)| Count { value: value.to_owned(), count };
    let mut counts: Vec<Count> = counts.into_iter().map(count).collect();
    counts.sort_unstable_by(|a, b| b.count.cmp(&a.count).then_with(|| a.value.cmp(&b.value)));
    counts
}

/// The folders and those that hold them, up to the innermost one that holds all.
fn with_ancestors(folders: &HashMap<&Path, usize>) -> Vec<FolderCount> {
    let Some(top) = folders.keys().copied().reduce(common) else { return Vec::new() };
    let mut counts: BTreeMap<&Path, (usize, usize)> = BTreeMap::new();
    for (folder, count) in folders {
        counts.entry(folder).or_default().0 += count;
        for holder in folder.ancestors().take_while(|holder| holder.starts_with(top)) {
            counts.entry(holder).or_default().1 += count;
        }
    }
    counts.into_iter().map(|(path, (here, below))| FolderCount { path: path.to_owned(), here, below }).collect()
}

/// The innermost folder that holds both.
fn common<'a>(a: &'a Path, b: &Path) -> &'a Path {
    a.ancestors().find(|holder| b.starts_with(holder)).unwrap_or(a)
}

/// The midnight at which the month of a midnight begins.
fn month_start(day: i64) -> i64 {
    let date = jiff::Timestamp::from_second(day).map(|time| time.to_zoned(jiff::tz::TimeZone::UTC).date());
    let first = date.map(|date| date.first_of_month());
    let start = first.and_then(|date: civil::Date| date.to_zoned(jiff::tz::TimeZone::UTC));
    // A camera's clock beyond the year 9999 has no month: its days stand alone.
    start.map_or(day, |start| start.timestamp().as_second())
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::time::Instant;

    use proptest::prelude::*;

    use super::*;
    use crate::index::Vectors;
    use crate::models::ModelIdentity;
    use crate::search::hit::tests::entry;

    fn snapshot(entries: Vec<Entry>) -> Snapshot {
        let identity = ModelIdentity { id: "toy".to_owned(), digest: "0".to_owned() };
        Snapshot::new(entries, Vectors::empty(identity, 0))
    }

    fn all(snapshot: &Snapshot) -> Facets {
        facets(snapshot, 0..snapshot.entries.len() as u32)
    }

    fn photo(path: &str, taken: i64, camera: Option<&str>, tags: &[&str]) -> Entry {
        let mut entry = entry(path, None);
        let photo = Arc::make_mut(&mut entry.photo);
        photo.taken = Some(taken);
        photo.camera = camera.map(str::to_owned);
        Entry { tags: tags.iter().map(|tag| (*tag).to_owned()).collect(), ..entry }
    }

    fn pairs(counts: &[Count]) -> Vec<(&str, usize)> {
        counts.iter().map(|count| (count.value.as_str(), count.count)).collect()
    }

    fn small() -> Snapshot {
        snapshot(vec![
            photo("/p/a/1.jpg", 0, Some("Canon"), &["dog", "snow"]),
            photo("/p/a/b/2.jpg", 86_399, Some("Leica"), &["dog"]),
            photo("/p/c/3.jpg", 86_400, Some("Canon"), &[]),
            photo("/p/a/4.jpg", 2_678_400, None, &[]),
        ])
    }

    #[test]
    fn values_are_counted_and_the_commonest_comes_first() {
        let facets = all(&small());
        assert_eq!((facets.total, facets.with_position, facets.favourites), (4, 0, 0));
        assert_eq!(pairs(&facets.cameras), [("Canon", 2), ("Leica", 1)]);
        assert_eq!(pairs(&facets.tags), [("dog", 2), ("snow", 1)]);
        assert_eq!(pairs(&facets.formats), [("png", 4)]);
        assert_eq!(pairs(&facets.lenses), []);
    }

    #[test]
    fn folders_count_what_is_in_them_and_below() {
        let facets = all(&small());
        let found: Vec<_> = facets.folders.iter().map(|f| (f.path.to_str().unwrap(), f.here, f.below)).collect();
        assert_eq!(found, [("/p", 0, 4), ("/p/a", 2, 3), ("/p/a/b", 1, 1), ("/p/c", 1, 1)]);
    }

    #[test]
    fn days_add_up_to_months() {
        let facets = all(&small());
        let pairs = |counts: &[TimeCount]| counts.iter().map(|c| (c.start, c.count)).collect::<Vec<_>>();
        assert_eq!(pairs(&facets.days), [(0, 2), (86_400, 1), (2_678_400, 1)]);
        assert_eq!(pairs(&facets.months()), [(0, 3), (2_678_400, 1)]);
    }

    #[test]
    fn only_what_is_asked_for_counts() {
        let snapshot = small();
        assert_eq!(facets(&snapshot, []), Facets::default());
        // Sorted by path: 1.jpg, 4.jpg, b/2.jpg, c/3.jpg.
        assert_eq!(pairs(&facets(&snapshot, [3]).cameras), [("Canon", 1)]);
    }

    #[test]
    fn files_at_the_root_have_a_folder() {
        let facets = all(&snapshot(vec![entry("/1.jpg", None)]));
        assert_eq!(facets.folders, [FolderCount { path: "/".into(), here: 1, below: 1 }]);
    }

    proptest! {
        #[test]
        fn every_file_is_in_one_day_and_one_folder(
            files in prop::collection::vec(("/p(/[a-c]){0,3}/[a-z]{1,3}", any::<i32>()), 0..60),
        ) {
            let entries = files.iter().map(|(path, taken)| photo(path, i64::from(*taken), None, &[])).collect();
            let facets = all(&snapshot(entries));
            prop_assert_eq!(facets.days.iter().map(|day| day.count).sum::<usize>(), files.len());
            prop_assert_eq!(facets.months().iter().map(|month| month.count).sum::<usize>(), files.len());
            prop_assert_eq!(facets.folders.iter().map(|folder| folder.here).sum::<usize>(), files.len());
            prop_assert_eq!(facets.folders.first().map_or(0, |top| top.below), files.len());
        }
    }

    /// `SLOW_TESTS=1 cargo test -p sightline-core --lib facets_of_a_hundred -- --nocapture` prints the time.
    #[test]
    fn facets_of_a_hundred_thousand_files_take_no_time() {
        let count = if std::env::var_os("SLOW_TESTS").is_some() { 100_000 } else { 1_000 };
        let camera = |i: i64| ["Canon EOS 5D", "Apple iPhone 12", "SONY ILCE-7M3"][i as usize % 3];
        let file = |i: i64| photo(&format!("/p/{}/{i}.jpg", i / 300), i * 3_600, Some(camera(i)), &["a", "b"]);
        let snapshot = snapshot((0..count).map(file).collect());
        let started = Instant::now();
        let facets = all(&snapshot);
        println!("facets of {count} files: {:.1} ms", started.elapsed().as_secs_f64() * 1e3);
        assert_eq!(facets.total, count as usize);
    }
}
