//! Learns a tag from a few photos. In: rows that have the tag, rows that have not, what the tag is called as a vector.
//! Out: a lesson that scores every row, says how far it can be trusted and on which photos it rests. Pure and quick:
//! learning again after every click is fine, and undoing is learning without it.
//!
//! The photos with the tag, those without, and a sample of the library are the classes of a Gaussian discriminant (see
//! `gaussian`); the tag's name adds what the model knows of the word. How much of each (α) is what ranks the examples
//! best when each is left out in turn.

use rayon::prelude::*;

use super::cells::every;
use super::nearest::Matrix;
use crate::error::{Error, Result};
use crate::models::UnitVector;
use gaussian::{Gram, Score, Training, scores};

mod gaussian;

/// Photos of the library that stand for what the tag is not, and as many more by which the lesson is judged.
const BACKGROUND: usize = 192;
/// Examples that are left out in turn; of more, evenly spread ones.
const LEFT_OUT: usize = 48;
/// The paper's weights of the Gaussian part against 100·cos.
const ALPHAS: [f64; 7] = [1e-4, 1e-3, 1e-2, 1e-1, 1.0, 10.0, 100.0];
/// The paper's (and CLIP's) scale of cosines with texts.
const TEXT_SCALE: f64 = 100.0;
/// Confirmed photos that a suggestion names.
const SUPPORTS: usize = 3;

/// What the user said of a tag, as rows of the matrix.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Examples {
    /// Photos with the tag.
    pub confirmed: Vec<u32>,
    /// Photos without it.
    pub rejected: Vec<u32>,
}

/// Learns tags of one library.
pub struct Learner<'a> {
    matrix: Matrix<'a>,
    /// The tag's name less what texts have in common.
    text: Option<Vec<f32>>,
}

/// What was learnt.
#[derive(Debug, Clone, PartialEq)]
pub struct Lesson {
    /// How much the photos count against the name: the paper's α. 1 where only one of them is there.
    pub alpha: f64,
    /// Of the examples, left out in turn, and as many photos of the library: the share that falls on the right side,
    /// the two sides counting alike. `None` for a single confirmed photo. The library's photos count as without the
    /// tag, so where many have it this is too low.
    pub accuracy: Option<f32>,
    confirmed: Vec<u32>,
    /// Weights and bias of the tag, then of what it is not.
    classes: Vec<(Vec<f32>, f64)>,
    text: Option<Vec<f32>>,
    threshold: f64,
}

/// A photo that may have the tag.
#[derive(Debug, Clone, PartialEq)]
pub struct Suggestion {
    /// Its row.
    pub row: u32,
    /// Positive where it is more likely to have the tag than not; comparable within one lesson only.
    pub score: f32,
    /// The confirmed photos nearest to it, with their cosines, nearest first.
    pub rests_on: Vec<(u32, f32)>,
}

impl<'a> Learner<'a> {
    /// `name`: the tag's name and a text that says nothing ("a photo"), in the space of the matrix.
    pub fn new(matrix: Matrix<'a>, name: Option<(&UnitVector, &UnitVector)>) -> Self {
        let difference = |(tag, nothing): (&UnitVector, &UnitVector)| {
            tag.as_slice().iter().zip(nothing.as_slice()).map(|(a, b)| a - b).collect()
        };
        Self { matrix, text: name.map(difference) }
    }

    /// Learns from all examples at once. `photos`: the rows of the library that are photos, ascending.
    ///
    /// # Errors
    /// No confirmed photo, one that is confirmed and rejected, or a row that is not there.
    pub fn lesson(&self, examples: &Examples, photos: &[u32]) -> Result<Lesson> {
        self.check(examples)?;
        let others: Vec<u32> = photos.iter().filter(|row| !examples.names(**row)).copied().collect();
        let sample: Vec<u32> = every(&others, 2 * BACKGROUND).into_iter().copied().collect();
        let background: Vec<u32> = sample.iter().step_by(2).copied().collect();
        let judges: Vec<u32> = sample.iter().skip(1).step_by(2).copied().collect();
        let study = Study::new(self, examples, &background, &judges);
        Ok(study.lesson(examples))
    }

    fn check(&self, examples: &Examples) -> Result<()> {
        if examples.confirmed.is_empty() {
            return Err(Error::bad_request("no photo has this tag yet", "give the tag to a few photos first"));
        }
        if examples.confirmed.iter().any(|row| examples.rejected.contains(row)) {
            return Err(Error::bad_request("a photo both has the tag and has it not", "decide for one of them"));
        }
        let all = examples.confirmed.iter().chain(&examples.rejected);
        let is_usable = |row: &u32| {
            (*row as usize) < self.matrix.rows() && self.matrix.row(*row as usize).iter().all(|v| v.is_finite())
        };
        if all.copied().all(|row| is_usable(&row)) {
            return Ok(());
        }
        Err(Error::bad_request("one of the photos is not indexed yet", "learn again when indexing is done"))
    }

    fn vector(&self, row: u32) -> Vec<f64> {
        self.matrix.row(row as usize).iter().map(|value| value.to_f64()).collect()
    }
}

impl Examples {
    fn names(&self, row: u32) -> bool {
        self.confirmed.contains(&row) || self.rejected.contains(&row)
    }
}

/// The class of photos with the tag; the others follow.
const TAG: usize = 0;

/// Vectors of examples, background and judges, in this order, and all that a fit needs of them.
struct Study<'a> {
    learner: &'a Learner<'a>,
    vectors: Vec<Vec<f64>>,
    gram: Gram,
    /// Of the examples and the background; the judges are of none.
    class_of: Vec<usize>,
    classes: usize,
    examples: usize,
    /// The part of the name in every vector's score.
    texts: Vec<f64>,
}

/// Scores of the photos and of the name.
#[derive(Debug, Clone, Copy)]
struct Parts {
    photos: f64,
    name: f64,
}

impl Parts {
    fn at(self, alpha: f64) -> f64 {
        self.name + alpha * self.photos
    }
}

impl<'a> Study<'a> {
    fn new(learner: &'a Learner<'a>, examples: &Examples, background: &[u32], judges: &[u32]) -> Self {
        let rejected = usize::from(!examples.rejected.is_empty());
        let mut class_of = vec![TAG; examples.confirmed.len()];
        class_of.extend(vec![1; examples.rejected.len()]);
        class_of.extend(vec![1 + rejected; background.len()]);
        let rows = examples.confirmed.iter().chain(&examples.rejected).chain(background).chain(judges);
        let vectors: Vec<Vec<f64>> = rows.map(|row| learner.vector(*row)).collect();
        let text = |vector: &Vec<f64>| match &learner.text {
            Some(text) => TEXT_SCALE * text.iter().zip(vector).map(|(t, v)| f64::from(*t) * v).sum::<f64>(),
            None => 0.0,
        };
        Self {
            texts: vectors.iter().map(text).collect(),
            gram: Gram::of(&vectors),
            classes: 1 + rejected + usize::from(!background.is_empty()),
            examples: examples.confirmed.len() + examples.rejected.len(),
            learner,
            vectors,
            class_of,
        }
    }

    fn training<'b>(&'b self, members: &'b [usize]) -> Training<'b> {
        Training { gram: &self.gram, members, class_of: &self.class_of, dim: self.learner.matrix.dim() }
    }

    fn lesson(&self, examples: &Examples) -> Lesson {
        let members: Vec<usize> = (0..self.class_of.len()).collect();
        let training = self.training(&members);
        let fitted = scores(&training, self.classes);
        let judged = (self.class_of.len()..self.vectors.len()).map(|x| self.parts(&training, &fitted, x)).collect();
        let trial = self.trial(judged);
        let alpha = trial.alpha(self.learner.text.is_some());
        let (threshold, accuracy) = trial.threshold(alpha);
        let classes = fitted.iter().map(|score| (self.weights(score), score.bias)).collect();
        let (confirmed, text) = (examples.confirmed.clone(), self.learner.text.clone());
        Lesson { alpha, accuracy, confirmed, classes, text, threshold }
    }

    fn parts(&self, training: &Training<'_>, fitted: &[Score], x: usize) -> Parts {
        let scores: Vec<f64> = fitted.iter().map(|score| score.at(training, x)).collect();
        Parts { photos: margin(&scores), name: self.texts[x] }
    }

    /// Leaves examples out in turn. Those whose class has no other example cannot be judged.
    fn trial(&self, judges: Vec<Parts>) -> Trial {
        let examples: Vec<u32> = (0..self.examples as u32).collect();
        let left_out = |left_out: &&u32| -> Option<(bool, Parts)> {
            let left_out = **left_out as usize;
            let class = self.class_of[left_out];
            let members: Vec<usize> = (0..self.class_of.len()).filter(|member| *member != left_out).collect();
            let has_others = members.iter().any(|member| self.class_of[*member] == class);
            let training = self.training(&members);
            has_others.then(|| (class == TAG, self.parts(&training, &scores(&training, self.classes), left_out)))
        };
        let parts: Vec<(bool, Parts)> = every(&examples, LEFT_OUT).par_iter().filter_map(left_out).collect();
        let with = |has_tag: bool| parts.iter().filter(move |(has, _)| *has == has_tag).map(|(_, parts)| *parts);
        Trial { tagged: with(true).collect(), others: with(false).chain(judges).collect() }
    }

    fn weights(&self, score: &Score) -> Vec<f32> {
        let mut weights = vec![0.0; self.learner.matrix.dim()];
        for (coefficient, vector) in score.coefficients.iter().zip(&self.vectors) {
            weights.iter_mut().zip(vector).for_each(|(w, v)| *w += coefficient * v);
        }
        weights.into_iter().map(|w| w as f32).collect()
    }
}

/// How far the tag is ahead of the best of the others; without others, its own score.
fn margin(scores: &[f64]) -> f64 {
    let others = scores[1..].iter().copied().fold(f64::NEG_INFINITY, f64::max);
    if others.is_finite() { scores[TAG] - others } else { scores[TAG] }
}

/// Scores of photos that the lesson had not seen.
struct Trial {
    tagged: Vec<Parts>,
    others: Vec<Parts>,
}

impl Trial {
    /// The α that ranks best (area under the ROC curve), of equals the one that keeps the sides farthest apart.
    fn alpha(&self, has_name: bool) -> f64 {
        if !has_name {
            return 1.0;
        }
        if self.tagged.is_empty() || self.others.is_empty() {
            // Nothing to judge by: photos and name count alike.
            let spread = |part: fn(&Parts) -> f64| deviation(&self.others.iter().map(part).collect::<Vec<_>>());
            let (photos, name) = (spread(|parts| parts.photos), spread(|parts| parts.name));
            return if photos > 0.0 && name > 0.0 { name / photos } else { 1.0 };
        }
        let merit = |alpha: f64| {
            let scores = |parts: &[Parts]| parts.iter().map(|parts| parts.at(alpha)).collect::<Vec<_>>();
            ranking(&scores(&self.tagged), &scores(&self.others))
        };
        let merits = ALPHAS.map(|alpha| (merit(alpha), alpha));
        let best = merits.into_iter().max_by(|(a, _), (b, _)| a.0.total_cmp(&b.0).then(a.1.total_cmp(&b.1)));
        best.map_or(1.0, |(_, alpha)| alpha)
    }

    /// The score that parts the two sides best, and the share that is then on its right side.
    fn threshold(&self, alpha: f64) -> (f64, Option<f32>) {
        let scores = |parts: &[Parts]| parts.iter().map(|parts| parts.at(alpha)).collect::<Vec<_>>();
        let (tagged, others) = (scores(&self.tagged), scores(&self.others));
        if tagged.is_empty() || others.is_empty() {
            // 3 deviations beyond the middle of photos without the tag: one in 700 of them.
            return (mean(&others) + 3.0 * deviation(&others), None);
        }
        let share = |scores: &[f64], is_right: &dyn Fn(f64) -> bool| {
            scores.iter().filter(|score| is_right(**score)).count() as f64 / scores.len() as f64
        };
        let mut all: Vec<f64> = tagged.iter().chain(&others).copied().collect();
        all.sort_by(f64::total_cmp);
        let cuts = all.windows(2).map(|pair| (pair[0] + pair[1]) / 2.0);
        let balanced = |cut: f64| (share(&tagged, &|score| score > cut) + share(&others, &|score| score <= cut)) / 2.0;
        let best = cuts.map(|cut| (balanced(cut), cut)).max_by(|(a, _), (b, _)| a.total_cmp(b));
        best.map_or((mean(&all), None), |(accuracy, cut)| (cut, Some(accuracy as f32)))
    }
}

/// The area under the ROC curve, and how many deviations lie between the two sides.
fn ranking(tagged: &[f64], others: &[f64]) -> (f64, f64) {
    let won: usize = tagged.iter().map(|a| others.iter().filter(|b| a > *b).count()).sum();
    let spread = deviation(tagged).max(deviation(others)).max(1e-12);
    (won as f64 / (tagged.len() * others.len()) as f64, (mean(tagged) - mean(others)) / spread)
}

fn mean(values: &[f64]) -> f64 {
    values.iter().sum::<f64>() / values.len().max(1) as f64
}

fn deviation(values: &[f64]) -> f64 {
    let mean = mean(values);
    (values.iter().map(|v| (v - mean).powi(2)).sum::<f64>() / values.len().max(1) as f64).sqrt()
}

impl Lesson {
    /// The best of the rows that `may_be` lets pass, best first, at most `limit`.
    pub fn suggestions(
        &self,
        matrix: &Matrix<'_>,
        limit: usize,
        may_be: impl Fn(u32) -> bool + Sync,
    ) -> Vec<Suggestion> {
        let scores = self.scores(matrix);
        let rows = (0..scores.len() as u32).filter(|row| scores[*row as usize].is_finite() && may_be(*row));
        let mut rows: Vec<u32> = rows.collect();
        rows.sort_by(|a, b| scores[*b as usize].total_cmp(&scores[*a as usize]).then(a.cmp(b)));
        rows.truncate(limit);
        let suggestion =
            |row: u32| Suggestion { row, score: scores[row as usize], rests_on: self.supports(matrix, row) };
        rows.into_iter().map(suggestion).collect()
    }

    /// The score of every row.
    pub fn scores(&self, matrix: &Matrix<'_>) -> Vec<f32> {
        let classes: Vec<(Vec<f32>, f64)> = self.classes.par_iter().map(|(w, bias)| (matrix.dots(w), *bias)).collect();
        let name = self.text.as_deref().map(|text| matrix.dots(text));
        let score = |row: usize| {
            let scores: Vec<f64> = classes.iter().map(|(dots, bias)| f64::from(dots[row]) + bias).collect();
            let name = name.as_ref().map_or(0.0, |name| TEXT_SCALE * f64::from(name[row]));
            (Parts { photos: margin(&scores), name }.at(self.alpha) - self.threshold) as f32
        };
        (0..matrix.rows()).into_par_iter().map(score).collect()
    }

    fn supports(&self, matrix: &Matrix<'_>, row: u32) -> Vec<(u32, f32)> {
        let vector: Vec<f32> = matrix.row(row as usize).iter().map(|value| value.to_f32()).collect();
        let cosine =
            |other: &u32| -> f32 { matrix.row(*other as usize).iter().zip(&vector).map(|(a, b)| a.to_f32() * b).sum() };
        let mut supports: Vec<(u32, f32)> = self.confirmed.iter().map(|other| (*other, cosine(other))).collect();
        supports.sort_by(|a, b| b.1.total_cmp(&a.1).then(a.0.cmp(&b.0)));
        supports.truncate(SUPPORTS);
        supports
    }
}

#[cfg(test)]
mod tests {
    use half::f16;

    use super::*;
    use crate::search::cells::tests::clumps;

    /// 40 clumps of 20 rows each in 64 dimensions.
    fn rows() -> Vec<f16> {
        clumps(800, 64, 20, 0.6)
    }

    fn of_clump(clump: u32) -> impl Fn(&u32) -> bool {
        move |row| row / 20 == clump
    }

    fn learnt(values: &[f16], examples: &Examples, limit: usize) -> (Lesson, Vec<Suggestion>) {
        let matrix = Matrix::new(64, values);
        let photos: Vec<u32> = (0..matrix.rows() as u32).collect();
        let lesson = Learner::new(matrix, None).lesson(examples, &photos).unwrap();
        let suggestions = lesson.suggestions(&matrix, limit, |row| !examples.names(row));
        (lesson, suggestions)
    }

    #[test]
    fn five_photos_of_a_clump_find_the_others() {
        let values = rows();
        let (lesson, suggestions) = learnt(&values, &Examples { confirmed: (60..65).collect(), rejected: vec![] }, 15);
        assert_eq!(suggestions.iter().filter(|s| of_clump(3)(&s.row)).count(), 15);
        assert!(suggestions.iter().all(|s| s.score > 0.0 && s.rests_on.len() == 3 && s.rests_on[0].1 > 0.3));
        assert!(lesson.accuracy.is_some_and(|accuracy| accuracy > 0.95), "{:?}", lesson.accuracy);
    }

    #[test]
    fn what_is_rejected_pushes_its_like_away() {
        let values = rows();
        // Confirmed photos of two clumps: the second turns out to be a mistake.
        let before = Examples { confirmed: vec![60, 61, 62, 80, 81], rejected: vec![] };
        let after = Examples { confirmed: vec![60, 61, 62], rejected: vec![80, 81] };
        let share = |examples: &Examples| {
            let (_, suggestions) = learnt(&values, examples, 34);
            suggestions.iter().filter(|s| of_clump(4)(&s.row)).count()
        };
        assert!(share(&before) >= 9, "{}", share(&before));
        assert_eq!(share(&after), 0);
    }

    #[test]
    fn a_single_photo_is_enough_to_begin_with() {
        let values = rows();
        let (lesson, suggestions) = learnt(&values, &Examples { confirmed: vec![60], rejected: vec![] }, 5);
        assert_eq!(lesson.accuracy, None);
        assert!(suggestions.iter().all(|s| of_clump(3)(&s.row)));
    }

    #[test]
    fn the_name_alone_helps_where_the_photos_say_little() {
        let values = rows();
        let matrix = Matrix::new(64, &values);
        let clump: Vec<f32> = (100..120)
            .map(|row| matrix.row(row))
            .fold(vec![0.0; 64], |sum, row| sum.iter().zip(row).map(|(sum, value)| sum + value.to_f32()).collect());
        let name = UnitVector::normalised(clump).unwrap();
        let nothing = UnitVector::normalised(vec![1.0; 64]).unwrap();
        let photos: Vec<u32> = (0..800).collect();
        let lesson = Learner::new(matrix, Some((&name, &nothing)))
            .lesson(&Examples { confirmed: vec![100], rejected: vec![] }, &photos)
            .unwrap();
        let suggestions = lesson.suggestions(&matrix, 19, |row| row != 100);
        assert_eq!(suggestions.iter().filter(|s| of_clump(5)(&s.row)).count(), 19);
    }

    #[test]
    fn an_order_of_examples_does_not_matter() {
        let values = rows();
        let forward = learnt(&values, &Examples { confirmed: vec![60, 61, 62], rejected: vec![1, 2] }, 15);
        let backward = learnt(&values, &Examples { confirmed: vec![62, 60, 61], rejected: vec![2, 1] }, 15);
        let rows = |suggestions: &[Suggestion]| suggestions.iter().map(|s| s.row).collect::<Vec<_>>();
        assert_eq!(rows(&forward.1), rows(&backward.1));
    }

    #[test]
    fn a_tag_without_photos_or_with_contradictions_is_refused() {
        let values = rows();
        let learner = Learner::new(Matrix::new(64, &values), None);
        let refused = |confirmed: &[u32], rejected: &[u32]| {
            let examples = Examples { confirmed: confirmed.to_vec(), rejected: rejected.to_vec() };
            learner.lesson(&examples, &[1, 2, 3]).is_err()
        };
        assert!(refused(&[], &[1]) && refused(&[1], &[1]) && refused(&[800], &[]));
        assert!(!refused(&[1], &[2]));
    }

    #[test]
    fn a_library_of_nothing_but_examples_is_learnt_too() {
        let values = rows();
        let learner = Learner::new(Matrix::new(64, &values), None);
        let lesson = learner.lesson(&Examples { confirmed: vec![0, 1], rejected: vec![] }, &[0, 1]).unwrap();
        assert!(lesson.scores(&Matrix::new(64, &values)).iter().all(|score| score.is_finite()));
    }
}
