//! Which photos are there more than once? In: a snapshot, fingerprints of its pictures, how alike is alike. Out: groups
//! with the one to keep first and why it is. Deletes nothing and opens no file.
//!
//! "Similar" is not "duplicate": every member says how it is like the first one of its group, and all members are like
//! *that* one, not merely like one another in a chain.

use std::cmp::{Ordering, Reverse};
use std::collections::HashMap;

use rayon::prelude::*;

use super::cells::{Cells, Near, Wanted, every};
use super::nearest::Matrix;
use crate::error::Result;
use crate::index::{ContentHash, Entry, Snapshot};
use crate::jobs::Ticker;
use crate::media::Fingerprint;

/// How two files are alike, the surest first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Likeness {
    /// The same bytes.
    Exact,
    /// The same picture in another size, quality or format.
    SamePicture,
    /// Another picture that looks much the same, to the model and in its colours: a burst, an edit, a crop.
    LookAlike,
}

/// How alike photos must be to be shown as a group.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Alike {
    /// The weakest likeness that is wanted.
    pub level: Likeness,
    /// For look-alikes: 1 is the same vector, 0 what two photos of this library usually have in common.
    pub closeness: f32,
}

impl Default for Alike {
    fn default() -> Self {
        // With the built-in model all crops by a tenth are found so, and no group besides (tests/it/organise.rs).
        Self { level: Likeness::LookAlike, closeness: 0.8 }
    }
}

/// A file of a group.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Member {
    /// An index into [`Snapshot::entries`].
    pub entry: u32,
    /// How it is like the first one; of the first one itself [`Likeness::Exact`].
    pub likeness: Likeness,
    /// How close its vector is to that of the first one, as in [`Alike::closeness`]; `None` without vectors.
    pub closeness: Option<f32>,
}

/// Why the first one of a group is the one to keep.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, serde::Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Reason {
    /// The others are on drives that are not there.
    Online,
    /// It is a favourite.
    Favourite,
    /// It has the most pixels.
    MostPixels,
    /// It is the sharpest.
    Sharpest,
    /// Its file is the largest: the least was lost when it was saved.
    LargestFile,
    /// It is the oldest.
    Oldest,
    /// None is better: it is the first by path.
    First,
}

/// Photos that are alike.
#[derive(Debug, Clone, PartialEq)]
pub struct Group {
    /// The weakest likeness in it.
    pub likeness: Likeness,
    /// Two files or more, the one to keep first, then the surest likeness first.
    pub members: Vec<Member>,
    /// Why the first one is first.
    pub why: Reason,
}

/// Fingerprints by content.
pub type Fingerprints = HashMap<ContentHash, Fingerprint>;

/// Vector neighbours of a photo that are looked at: a group of look-alikes has at most one more.
const NEIGHBOURS: usize = 24;
/// How close vectors of the same picture at least are: below, fingerprints are compared only where their hashes agree.
const SAME_PICTURE_CLOSENESS: f32 = 0.7;
/// A run of equal hash parts longer than this is compared with its next neighbours only.
const LONGEST_RUN: usize = 256;
/// A crop of a few lines is the same picture, a crop to a square is not.
const MOST_STRETCH: f64 = 1.03;

/// The groups of a library, largest first. Counts compared photos with `ticker`.
///
/// Photos without a fingerprint are compared by their bytes only: a model finds garments of one kind alike whatever their
/// colours, so that its vectors only say which pictures are worth a look.
///
/// # Errors
/// [`crate::Error::Cancelled`].
pub fn duplicates(
    snapshot: &Snapshot,
    fingerprints: &Fingerprints,
    alike: &Alike,
    ticker: &Ticker,
) -> Result<Vec<Group>> {
    let photos = photos(snapshot, fingerprints);
    let likes = match alike.level {
        Likeness::Exact => vec![Vec::new(); photos.len()],
        _ => likes(snapshot, &photos, alike, ticker)?,
    };
    Ok(groups(snapshot, &photos, &likes))
}

/// One content and the files that hold it, the best one first.
struct Photo<'a> {
    files: Vec<u32>,
    row: Option<u32>,
    fingerprint: Option<&'a Fingerprint>,
    quality: Quality<'a>,
}

/// What makes one photo better than another, the weightiest first.
struct Quality<'a> {
    is_online: bool,
    is_favourite: bool,
    pixels: u64,
    /// Steps of a fourth of a doubling: less cannot be seen.
    sharpness: i32,
    bytes: u64,
    date: i64,
    entry: &'a Entry,
}

impl<'a> Quality<'a> {
    fn of(entry: &'a Entry, fingerprint: Option<&Fingerprint>) -> Self {
        let photo = &entry.photo;
        let sharpness = fingerprint.map_or(0.0, |fingerprint| fingerprint.sharpness().max(1e-3).log2() * 4.0);
        Self {
            is_online: !entry.is_offline,
            is_favourite: entry.is_favourite,
            pixels: u64::from(photo.width) * u64::from(photo.height),
            sharpness: sharpness.round() as i32,
            bytes: entry.size,
            date: entry.date(),
            entry,
        }
    }

    /// Best first, and what decided.
    fn compare(&self, other: &Self) -> (Ordering, Reason) {
        let steps = [
            (other.is_online.cmp(&self.is_online), Reason::Online),
            (other.is_favourite.cmp(&self.is_favourite), Reason::Favourite),
            (other.pixels.cmp(&self.pixels), Reason::MostPixels),
            (other.sharpness.cmp(&self.sharpness), Reason::Sharpest),
            (other.bytes.cmp(&self.bytes), Reason::LargestFile),
            (self.date.cmp(&other.date), Reason::Oldest),
        ];
        let decided = steps.into_iter().find(|(order, _)| order.is_ne());
        decided.unwrap_or_else(|| (self.entry.path.cmp(&other.entry.path), Reason::First))
    }
}

fn photos<'a>(snapshot: &'a Snapshot, fingerprints: &'a Fingerprints) -> Vec<Photo<'a>> {
    let mut files: HashMap<ContentHash, Vec<u32>> = HashMap::new();
    for (index, entry) in snapshot.entries.iter().enumerate() {
        files.entry(entry.hash).or_default().push(index as u32);
    }
    let photo = |(hash, mut files): (ContentHash, Vec<u32>)| {
        let entry = |file: &u32| &snapshot.entries[*file as usize];
        files.sort_by(|a, b| Quality::of(entry(a), None).compare(&Quality::of(entry(b), None)).0);
        let (fingerprint, first) = (fingerprints.get(&hash), entry(&files[0]));
        // A preview of 160 pixels is like many: people delete by this.
        let row = first.row.filter(|row| !snapshot.vectors.is_first_look(*row));
        Photo { row, fingerprint, quality: Quality::of(first, fingerprint), files }
    };
    let mut photos: Vec<Photo<'a>> = files.into_iter().map(photo).collect();
    // Best first: the centres of groups are taken in this order.
    photos.sort_by(|a, b| a.quality.compare(&b.quality).0);
    photos
}

/// Another photo and how it is like this one.
#[derive(Debug, Clone, Copy)]
struct Like {
    photo: u32,
    likeness: Likeness,
    closeness: Option<f32>,
}

/// For every photo those that are like it.
fn likes(snapshot: &Snapshot, photos: &[Photo<'_>], alike: &Alike, ticker: &Ticker) -> Result<Vec<Vec<Like>>> {
    let matrix = Matrix::of(&snapshot.vectors);
    let mut rows: Vec<u32> = photos.iter().filter_map(|photo| photo.row).collect();
    rows.sort_unstable();
    let usual = usual_cosine(&matrix, &rows);
    let closeness = |cosine: f32| (cosine - usual) / (1.0 - usual).max(1e-3);
    let wants_look_alikes = alike.level == Likeness::LookAlike;
    let least = if wants_look_alikes { alike.closeness.min(SAME_PICTURE_CLOSENESS) } else { SAME_PICTURE_CLOSENESS };
    let wanted = Wanted { limit: NEIGHBOURS, floor: usual + least * (1.0 - usual) };
    ticker.phase("Comparing");
    ticker.expect(rows.len());
    let near = Cells::new(&matrix, &rows, ticker)?.neighbours(&matrix, wanted, ticker)?;

    let photo_of_row: HashMap<u32, u32> =
        photos.iter().enumerate().filter_map(|(photo, it)| Some((it.row?, photo as u32))).collect();
    let mut likes: Vec<Vec<Like>> = vec![Vec::new(); photos.len()];
    let likeness = |a: &Photo<'_>, b: &Photo<'_>, close: f32| match () {
        () if is_same(a, b) => Some(Likeness::SamePicture),
        () if wants_look_alikes && close >= alike.closeness && looks_like(a, b) => Some(Likeness::LookAlike),
        () => None,
    };
    let of_photo = |(photo, it): (usize, &Photo<'_>)| {
        ticker.check()?;
        let near: &[Near] = it.row.map_or(&[], |row| &near[row as usize]);
        let found = near.iter().filter_map(|near| {
            let (other, close) = (*photo_of_row.get(&near.row)?, closeness(near.cosine));
            Some(((photo as u32, other), likeness(it, &photos[other as usize], close)?, close))
        });
        Ok(found.collect::<Vec<_>>())
    };
    let found: Result<Vec<Vec<_>>> = photos.par_iter().enumerate().map(of_photo).collect();
    for (pair, likeness, close) in found?.into_iter().flatten() {
        add(&mut likes, pair, likeness, Some(close));
    }
    for pair in hash_pairs(photos) {
        add(&mut likes, pair, Likeness::SamePicture, None);
    }
    for likes in &mut likes {
        // Both ways of finding a pair, and both ends of it, may have found it: the surest word stands.
        likes.sort_by_key(|like| (like.photo, like.likeness, like.closeness.is_none()));
        likes.dedup_by_key(|like| like.photo);
    }
    Ok(likes)
}

fn add(likes: &mut [Vec<Like>], (a, b): (u32, u32), likeness: Likeness, closeness: Option<f32>) {
    likes[a as usize].push(Like { photo: b, likeness, closeness });
    likes[b as usize].push(Like { photo: a, likeness, closeness });
}

/// The middle cosine of photos that have nothing to do with one another: in most models it is far from 0.
fn usual_cosine(matrix: &Matrix<'_>, rows: &[u32]) -> f32 {
    let sample = every(rows, 256);
    let pairs = sample.iter().enumerate().flat_map(|(i, a)| sample[..i].iter().step_by(7).map(move |b| (a, b)));
    let cosine = |(a, b): (&&u32, &&u32)| -> f32 {
        let (a, b) = (matrix.row(**a as usize), matrix.row(**b as usize));
        a.iter().zip(b).map(|(a, b)| a.to_f32() * b.to_f32()).sum()
    };
    let mut cosines: Vec<f32> = pairs.map(cosine).filter(|cosine| cosine.is_finite()).collect();
    // Of a handful of photos nothing is known: 0 is right for vectors without a common direction.
    if cosines.len() < 30 {
        return 0.0;
    }
    let middle = cosines.len() / 2;
    cosines.select_nth_unstable_by(middle, f32::total_cmp).1.clamp(0.0, 0.99)
}

/// The same picture by its looks, and no two shots of one scene.
fn is_same(a: &Photo<'_>, b: &Photo<'_>) -> bool {
    let (Some(first), Some(second)) = (a.fingerprint, b.fingerprint) else { return false };
    let (a, b) = (&a.quality.entry.photo, &b.quality.entry.photo);
    let ratio = |width: u32, height: u32| f64::from(width.max(1)) / f64::from(height.max(1));
    let stretch = ratio(a.width, a.height) / ratio(b.width, b.height);
    // A camera's burst: alike to the last leaf, but each was taken at its own time.
    let are_two_shots = a.taken.zip(b.taken).is_some_and(|(a, b)| a != b);
    !are_two_shots && (1.0 / MOST_STRETCH..=MOST_STRETCH).contains(&stretch) && first.is_same_picture(second)
}

/// Alike in colours and where these are.
fn looks_like(a: &Photo<'_>, b: &Photo<'_>) -> bool {
    a.fingerprint.zip(b.fingerprint).is_some_and(|(a, b)| a.looks_like(b))
}

/// Pairs of the same picture among photos that share a quarter of their hash.
fn hash_pairs(photos: &[Photo<'_>]) -> Vec<(u32, u32)> {
    let hashed = photos.iter().enumerate().filter_map(|(photo, it)| {
        let fingerprint = it.fingerprint.filter(|fingerprint| fingerprint.says_something())?;
        Some((fingerprint.hash(), photo as u32))
    });
    let hashed: Vec<(u64, u32)> = hashed.collect();
    let band = |band: u32| {
        let mut turned: Vec<(u64, u32)> =
            hashed.iter().map(|(hash, photo)| (hash.rotate_left(16 * band), *photo)).collect();
        turned.sort_unstable();
        let runs = turned.chunk_by(|a, b| a.0 >> 48 == b.0 >> 48);
        let reach = |run: &[(u64, u32)]| if run.len() > LONGEST_RUN { LONGEST_RUN / 4 } else { run.len() };
        let later = |run: &[(u64, u32)], i: usize| run.len().min(i + reach(run));
        let of_run = |run: &'_ [(u64, u32)]| -> Vec<(u32, u32)> {
            (0..run.len()).flat_map(|i| (i + 1..later(run, i)).map(move |j| (run[i].1, run[j].1))).collect()
        };
        let pairs = runs.flat_map(of_run);
        let is_pair = |(a, b): &(u32, u32)| is_same(&photos[*a as usize], &photos[*b as usize]);
        pairs.filter(is_pair).collect::<Vec<_>>()
    };
    (0..4).into_par_iter().flat_map_iter(band).collect()
}

/// The best photo that is in no group yet takes those that are like it.
fn groups(snapshot: &Snapshot, photos: &[Photo<'_>], likes: &[Vec<Like>]) -> Vec<Group> {
    let mut is_taken = vec![false; photos.len()];
    let mut groups = Vec::new();
    for photo in 0..photos.len() {
        if std::mem::replace(&mut is_taken[photo], true) {
            continue;
        }
        let mut free: Vec<Like> = likes[photo].iter().filter(|like| !is_taken[like.photo as usize]).copied().collect();
        free.sort_by_key(|like| (like.likeness, Reverse(like.closeness.map(f32::to_bits)), like.photo));
        free.iter().for_each(|like| is_taken[like.photo as usize] = true);
        groups.extend(group(snapshot, photos, photo, &free));
    }
    groups.sort_by_key(|group| Reverse(group.members.len()));
    groups
}

/// A photo, its copies, and those like it; `None` for a photo that is alone.
fn group(snapshot: &Snapshot, photos: &[Photo<'_>], best: usize, likes: &[Like]) -> Option<Group> {
    let own = photos[best].files.iter();
    let mut members: Vec<Member> =
        own.map(|entry| Member { entry: *entry, likeness: Likeness::Exact, closeness: None }).collect();
    for like in likes {
        let files = photos[like.photo as usize].files.iter();
        members.extend(files.map(|entry| Member { entry: *entry, likeness: like.likeness, closeness: like.closeness }));
    }
    if members.len() < 2 {
        return None;
    }
    let quality = |member: &Member| Quality::of(&snapshot.entries[member.entry as usize], None);
    let why = match likes.iter().map(|like| &photos[like.photo as usize].quality).min_by(|a, b| a.compare(b).0) {
        Some(second) => photos[best].quality.compare(second).1,
        None => quality(&members[0]).compare(&quality(&members[1])).1,
    };
    let likeness = members.iter().map(|member| member.likeness).max().unwrap_or(Likeness::Exact);
    Some(Group { likeness, members, why })
}

#[cfg(test)]
mod tests;
