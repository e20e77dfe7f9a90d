//! The chosen photos of an answer: one under the cursor, and any number beside it.

use std::collections::BTreeSet;

/// Chosen photos, as indices into the answer's hits.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Selection {
    /// The one that arrows move and the details are about.
    cursor: Option<usize>,
    /// Where a range begins that is drawn with shift.
    anchor: usize,
    /// All chosen ones when there are several, else none.
    several: BTreeSet<usize>,
}

impl Selection {
    /// One photo, or none.
    pub fn one(cursor: Option<usize>) -> Self {
        Self { cursor, anchor: cursor.unwrap_or(0), several: BTreeSet::new() }
    }

    /// These photos; the first of them is under the cursor.
    pub fn these(photos: impl IntoIterator<Item = usize>) -> Self {
        let several: BTreeSet<usize> = photos.into_iter().collect();
        let cursor = several.first().copied();
        Self { cursor, anchor: cursor.unwrap_or(0), several }.settled()
    }

    /// The photo under the cursor.
    pub fn cursor(&self) -> Option<usize> {
        self.cursor
    }

    /// Whether a photo is chosen.
    pub fn contains(&self, photo: usize) -> bool {
        if self.several.is_empty() { self.cursor == Some(photo) } else { self.several.contains(&photo) }
    }

    /// How many are chosen.
    pub fn len(&self) -> usize {
        if self.several.is_empty() { usize::from(self.cursor.is_some()) } else { self.several.len() }
    }

    /// Whether none is chosen.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The chosen photos, in the order of the answer.
    pub fn photos(&self) -> Vec<usize> {
        if self.several.is_empty() { self.cursor.into_iter().collect() } else { self.several.iter().copied().collect() }
    }

    /// One more photo, or one less.
    pub fn toggle(&mut self, photo: usize) {
        let mut several: BTreeSet<usize> = self.photos().into_iter().collect();
        let was_chosen = !several.insert(photo) && several.len() > 1 && several.remove(&photo);
        let nearest = several.range(photo..).next().or(several.last()).copied();
        self.cursor = if was_chosen { nearest } else { Some(photo) };
        self.anchor = photo;
        self.several = several;
        *self = std::mem::take(self).settled();
    }

    /// All from where the range began to `photo`.
    pub fn extend_to(&mut self, photo: usize) {
        self.several = (self.anchor.min(photo)..=self.anchor.max(photo)).collect();
        self.cursor = Some(photo);
        *self = std::mem::take(self).settled();
    }

    /// These photos too.
    pub fn add(&mut self, photos: impl IntoIterator<Item = usize>) {
        self.several.extend(self.cursor);
        self.several.extend(photos);
        self.cursor = self.cursor.or(self.several.first().copied());
        *self = std::mem::take(self).settled();
    }

    /// One photo needs no set.
    fn settled(mut self) -> Self {
        if self.several.len() < 2 {
            self.cursor = self.several.pop_first().or(self.cursor);
            self.several.clear();
        }
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(change: impl FnOnce(&mut Selection), cursor: usize, photos: &[usize]) {
        let mut selection = Selection::one(Some(3));
        change(&mut selection);
        assert_eq!((selection.cursor(), selection.photos()), (Some(cursor), photos.to_vec()));
        assert_eq!(selection.len(), photos.len());
        assert!(photos.iter().all(|photo| selection.contains(*photo)) && !selection.contains(99));
    }

    #[test]
    fn photos_are_added_and_taken_away_one_by_one() {
        check(|selection| selection.toggle(5), 5, &[3, 5]);
        check(
            |selection| {
                selection.toggle(5);
                selection.toggle(3);
            },
            5,
            &[5],
        );
    }

    #[test]
    fn the_last_photo_stays_chosen() {
        check(|selection| selection.toggle(3), 3, &[3]);
    }

    #[test]
    fn a_range_begins_where_it_was_begun() {
        check(|selection| selection.extend_to(6), 6, &[3, 4, 5, 6]);
        check(
            |selection| {
                selection.extend_to(6);
                selection.extend_to(1);
            },
            1,
            &[1, 2, 3],
        );
    }

    #[test]
    fn a_frame_adds_to_what_is_chosen() {
        check(|selection| selection.add([7, 8]), 3, &[3, 7, 8]);
    }

    #[test]
    fn none_is_none() {
        assert!(Selection::default().is_empty() && Selection::these([]).is_empty());
    }
}
