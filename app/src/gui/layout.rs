//! Where photos lie in the grid. In: their shapes, the sections, the width. Out: justified rows that keep the shapes.
//! Pure: computed when something of this changes, not once a frame.

use std::ops::Range;

use egui::{Rect, pos2, vec2};

use super::state::{Section, Shapes};

/// Shapes beyond these are cropped, so that a panorama does not take a screen of its own.
const SHAPES: std::ops::RangeInclusive<f32> = 0.5..=3.0;

/// The measures of a grid, in points.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Measures {
    /// Width of a row.
    pub width: f32,
    /// What the height of a row aims at.
    pub row_height: f32,
    /// Between photos, both ways.
    pub gap: f32,
    /// Height of a heading.
    pub heading: f32,
    /// Whether photos keep their shapes.
    pub shapes: Shapes,
}

/// Where everything lies, from the top left of the grid.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Layout {
    /// From top to bottom.
    pub rows: Vec<Row>,
    /// Left edge and width of every photo.
    cells: Vec<(f32, f32)>,
    /// Height of it all.
    pub height: f32,
}

/// One line of the grid.
#[derive(Debug, Clone, PartialEq)]
pub struct Row {
    /// Its upper edge.
    pub top: f32,
    /// Its height, without the gap under it.
    pub height: f32,
    /// What is in it.
    pub content: RowContent,
}

/// What a line of the grid holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RowContent {
    /// The heading of a section, by its index.
    Heading(usize),
    /// These photos.
    Photos(Range<usize>),
}

impl Layout {
    /// Lays out photos with these shapes (width divided by height), in these sections.
    pub fn justified(shapes: &[f32], sections: &[Section], measures: Measures) -> Self {
        let mut layout = Self { rows: Vec::new(), cells: Vec::with_capacity(shapes.len()), height: 0.0 };
        for (i, section) in sections.iter().enumerate() {
            if section.name.is_some() {
                layout.push(RowContent::Heading(i), measures.heading, 0.0);
            }
            let photos = section.first..(section.first + section.count).min(shapes.len());
            layout.push_section(shapes, photos, measures);
        }
        layout
    }

    /// The rows that are seen between these heights.
    pub fn visible(&self, top: f32, bottom: f32) -> &[Row] {
        let first = self.rows.partition_point(|row| row.top + row.height < top);
        let last = self.rows.partition_point(|row| row.top < bottom);
        &self.rows[first..last.max(first)]
    }

    /// Where a photo lies.
    pub fn rect(&self, photo: usize) -> Option<Rect> {
        self.cell(&self.rows[self.row_of(photo)?], photo)
    }

    /// Where a photo of this row lies.
    pub fn cell(&self, row: &Row, photo: usize) -> Option<Rect> {
        let (left, width) = *self.cells.get(photo)?;
        Some(Rect::from_min_size(pos2(left, row.top), vec2(width, row.height)))
    }

    /// The photos that a frame touches.
    pub fn within(&self, frame: Rect) -> Vec<usize> {
        let rows = self.visible(frame.top(), frame.bottom()).iter();
        let touched = rows.flat_map(|row| match &row.content {
            RowContent::Photos(photos) => photos.clone().filter(|photo| self.is_touched(row, *photo, frame)).collect(),
            RowContent::Heading(_) => Vec::new(),
        });
        touched.collect()
    }

    fn is_touched(&self, row: &Row, photo: usize, frame: Rect) -> bool {
        self.cell(row, photo).is_some_and(|cell| cell.intersects(frame))
    }

    /// The photo in the next row of photos above (-1) or below (+1) that lies nearest to this one.
    pub fn neighbour(&self, photo: usize, step: isize) -> Option<usize> {
        let centre = self.rect(photo)?.center().x;
        let mut row = self.row_of(photo)?;
        loop {
            row = row.checked_add_signed(step)?;
            if let RowContent::Photos(photos) = &self.rows.get(row)?.content {
                let distance = |i: &usize| (self.cells[*i].0 + self.cells[*i].1 / 2.0 - centre).abs();
                return photos.clone().min_by(|a, b| distance(a).total_cmp(&distance(b)));
            }
        }
    }

    /// The photo that is nearest to this height, at the left.
    pub fn photo_at(&self, height: f32) -> Option<usize> {
        let row = self.rows.partition_point(|row| row.top + row.height < height);
        self.rows[row..].iter().chain(self.rows[..row].iter().rev()).find_map(|row| match &row.content {
            RowContent::Photos(photos) => Some(photos.start),
            RowContent::Heading(_) => None,
        })
    }

    fn row_of(&self, photo: usize) -> Option<usize> {
        // Headings begin where the photos after them begin, so that rows are ordered by their first photo.
        let after = self.rows.partition_point(|row| match &row.content {
            RowContent::Photos(photos) => photos.end <= photo,
            RowContent::Heading(_) => self.next_photos(row).is_some_and(|photos| photos.start <= photo),
        });
        let is_it = |row: &Row| matches!(&row.content, RowContent::Photos(photos) if photos.contains(&photo));
        self.rows.get(after).is_some_and(is_it).then_some(after)
    }

    /// The photos of the row under a heading.
    fn next_photos(&self, heading: &Row) -> Option<&Range<usize>> {
        let next = self.rows.partition_point(|row| row.top <= heading.top);
        match &self.rows.get(next)?.content {
            RowContent::Photos(photos) => Some(photos),
            RowContent::Heading(_) => None,
        }
    }

    fn push(&mut self, content: RowContent, height: f32, gap: f32) {
        self.rows.push(Row { top: self.height, height, content });
        self.height += height + gap;
    }

    fn push_section(&mut self, shapes: &[f32], photos: Range<usize>, measures: Measures) {
        let mut first = photos.start;
        while first < photos.end {
            let (count, width) = row(&shapes[first..photos.end], measures);
            let is_last = first + count == photos.end;
            let free = measures.width - measures.gap * (count - 1) as f32;
            let full = free / width;
            // The last row is not blown up to the full width: one photo would fill the screen.
            let height = if is_last { full.min(measures.row_height) } else { full };
            self.push_cells(&shapes[first..first + count], height, measures);
            // Whole points: rows of photos stay sharp, and far down a long grid numbers stay exact.
            self.push(RowContent::Photos(first..first + count), height.round(), measures.gap);
            first += count;
        }
    }

    fn push_cells(&mut self, shapes: &[f32], height: f32, measures: Measures) {
        let mut left = 0.0;
        for shape in shapes {
            let right = left + shown(*shape) * height;
            self.cells.push((left.round(), (right.round() - left.round()).max(1.0)));
            left = right + measures.gap;
        }
    }
}

fn shown(shape: f32) -> f32 {
    if shape.is_finite() { shape.clamp(*SHAPES.start(), *SHAPES.end()) } else { 1.0 }
}

/// How many photos go into the next row, and the sum of their shapes: as many as bring its height nearest to the aim.
fn row(shapes: &[f32], measures: Measures) -> (usize, f32) {
    let height = |count: usize, width: f32| (measures.width - measures.gap * (count - 1) as f32) / width;
    let mut width = 0.0;
    for (i, shape) in shapes.iter().enumerate() {
        let wider = width + shown(*shape);
        let now = height(i + 1, wider);
        if now <= measures.row_height {
            let is_nearer_without = i > 0 && height(i, width) - measures.row_height < measures.row_height - now;
            return if is_nearer_without { (i, width) } else { (i + 1, wider) };
        }
        width = wider;
    }
    (shapes.len(), width)
}

#[cfg(test)]
mod tests {
    use super::*;

    const MEASURES: Measures =
        Measures { width: 620.0, row_height: 100.0, gap: 10.0, heading: 30.0, shapes: Shapes::Justified };

    fn one_section(count: usize) -> Vec<Section> {
        vec![Section { name: None, first: 0, count }]
    }

    /// Rows as "top height first..end", headings as "top heading".
    #[track_caller]
    fn check(shapes: &[f32], sections: &[Section], expected: &[&str]) {
        let layout = Layout::justified(shapes, sections, MEASURES);
        let shown = |row: &Row| match &row.content {
            RowContent::Heading(i) => format!("{} heading {i}", row.top),
            RowContent::Photos(photos) => format!("{} {} {photos:?}", row.top, row.height),
        };
        assert_eq!(layout.rows.iter().map(shown).collect::<Vec<_>>(), expected);
    }

    #[test]
    fn full_rows_fill_the_width_and_the_last_keeps_its_height() {
        check(&[2.0; 5], &one_section(5), &["0 100 0..3", "110 100 3..5"]);
    }

    #[test]
    fn sections_begin_on_rows_of_their_own() {
        let section = |name: &str, first, count| Section { name: Some(name.to_owned()), first, count };
        let sections = [section("Strong", 0, 1), section("Weak", 1, 4)];
        check(&[2.0; 5], &sections, &["0 heading 0", "30 100 0..1", "140 heading 1", "170 100 1..4", "280 100 4..5"]);
    }

    #[test]
    fn odd_shapes_are_cropped_not_shown_as_slivers() {
        check(&[100.0, 0.01, f32::NAN], &one_section(3), &["0 100 0..3"]);
    }

    #[test]
    fn nothing_needs_no_room() {
        check(&[], &one_section(0), &[]);
    }

    #[test]
    fn every_photo_is_found_in_its_row_and_rows_reach_the_edge() {
        let shapes: Vec<f32> = (0..500).map(|i| 0.4 + (i * 37 % 100) as f32 / 40.0).collect();
        let sections = [
            Section { name: Some("a".to_owned()), first: 0, count: 123 },
            Section { name: Some("b".to_owned()), first: 123, count: 377 },
        ];
        let layout = Layout::justified(&shapes, &sections, MEASURES);
        for photo in 0..shapes.len() {
            let rect = layout.rect(photo).unwrap_or_else(|| panic!("photo {photo} lies nowhere"));
            assert!(rect.left() >= 0.0 && rect.right() <= MEASURES.width + 1.0, "photo {photo}: {rect}");
        }
        for row in &layout.rows {
            if let RowContent::Photos(photos) = &row.content {
                let is_last = photos.end == 123 || photos.end == 500;
                let right = layout.cell(row, photos.end - 1).unwrap().right();
                assert!(is_last || (right - MEASURES.width).abs() <= 1.0, "{photos:?} ends at {right}");
            }
        }
    }

    #[test]
    fn up_and_down_stay_in_the_column_and_cross_headings() {
        let section = |name: &str, first, count| Section { name: Some(name.to_owned()), first, count };
        let layout = Layout::justified(&[2.0; 9], &[section("a", 0, 3), section("b", 3, 6)], MEASURES);
        assert_eq!(layout.neighbour(1, 1), Some(4));
        assert_eq!(layout.neighbour(4, -1), Some(1));
        assert_eq!(layout.neighbour(4, 1), Some(7));
        assert_eq!(layout.neighbour(0, -1), None);
        assert_eq!(layout.neighbour(8, 1), None);
    }

    #[test]
    fn only_rows_on_the_screen_are_seen() {
        let layout = Layout::justified(&[2.0; 300], &one_section(300), MEASURES);
        let seen = layout.visible(1000.0, 1300.0);
        assert!(seen.len() <= 4 && seen[0].top <= 1000.0 && seen[seen.len() - 1].top <= 1300.0);
        assert_eq!(layout.photo_at(0.0), Some(0));
        assert_eq!(layout.photo_at(115.0), Some(3));
    }
}
