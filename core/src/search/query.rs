//! What is looked for. In: unit vectors with weights, typed words, a filter, an order. Out: a query that was checked
//! against the vectors it is put to. Knows neither models nor pictures.

use super::Filter;
use crate::error::{Error, Result};
use crate::models::{ModelIdentity, UnitVector};

/// One term of a query: a vector and how much it counts.
#[derive(Debug, Clone, PartialEq)]
pub struct Term {
    /// A text or a picture in the space of the model.
    pub vector: UnitVector,
    /// How much it counts. Negative: photos like it are pushed away, and photos unlike it gain nothing by that.
    pub weight: f32,
}

impl Term {
    /// What a photo at this cosine gets for this term.
    pub(super) fn contribution(&self, cosine: f32) -> f32 {
        // Not `f32::max`: a cosine that is no number must stay one.
        let is_clamped = self.weight < 0.0 && cosine < 0.0;
        if is_clamped { 0.0 } else { self.weight * cosine }
    }
}

/// In which order hits come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, serde::Serialize, serde::Deserialize)]
pub enum Sort {
    /// Best first, exact matches of a name or tag before all others. Without terms: as [`Sort::NewestFirst`].
    #[default]
    Score,
    /// The hits that [`Sort::Score`] gives within the limit, newest first.
    NewestFirst,
    /// The hits that [`Sort::Score`] gives within the limit, oldest first.
    OldestFirst,
    /// The same hits by the file's name, in any case, numbers by their value ("IMG_9" before "IMG_10").
    Name,
    /// The same hits, the largest file first.
    LargestFirst,
    /// The same hits, the smallest file first.
    SmallestFirst,
}

/// What is looked for.
#[derive(Debug, Clone, Default)]
pub struct Query {
    /// Σ wᵢ·cos(vᵢ, x) is the score of a photo x, with the cosines of negative terms clamped at zero. None: the
    /// filter (and `exact`) alone decide.
    pub terms: Vec<Term>,
    /// What made the vectors of the terms; needed when there are terms.
    pub model: Option<ModelIdentity>,
    /// The words as typed, for exact matches of file names and tags; `None` where none were typed.
    pub exact: Option<String>,
    /// What hits must be.
    pub filter: Filter,
    /// In which order they come.
    pub sort: Sort,
    /// How many at most.
    pub limit: usize,
}

impl Query {
    /// Is this query one that vectors of `dim` numbers made by `model` can answer? A library without vectors may have a
    /// `dim` of 0.
    ///
    /// # Errors
    /// [`Error::BadRequest`] for an empty text or a weight that says nothing; [`Error::ModelMismatch`] where the terms
    /// are of another model or have another number of dimensions.
    pub(super) fn check(&self, model: &ModelIdentity, dim: usize) -> Result<()> {
        if self.exact.as_deref().is_some_and(|text| text.trim().is_empty()) {
            return Err(Error::bad_request("the query is empty", "type what the photo shows, or choose a picture"));
        }
        if let Some(term) = self.terms.iter().find(|term| !term.weight.is_finite() || term.weight == 0.0) {
            let what = format!("a term of the query has the weight {}", term.weight);
            return Err(Error::bad_request(what, "give it a number above 0, or below 0 to push such photos away"));
        }
        self.terms.iter().try_for_each(|term| self.check_space(term.vector.dim(), model, dim))
    }

    fn check_space(&self, term_dim: usize, model: &ModelIdentity, dim: usize) -> Result<()> {
        if self.model.as_ref() == Some(model) && (term_dim == dim || dim == 0) {
            return Ok(());
        }
        let found = self.model.as_ref().map_or("an unnamed model".to_owned(), ToString::to_string);
        Err(Error::ModelMismatch {
            expected: format!("{model} ({dim} dimensions)"),
            found: format!("{found} ({term_dim} dimensions)"),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn identity(id: &str) -> ModelIdentity {
        ModelIdentity { id: id.to_owned(), digest: "0".to_owned() }
    }

    fn query(model: &str, vector: &[f32], weight: f32) -> Query {
        let term = Term { vector: UnitVector::normalised(vector.to_vec()).unwrap(), weight };
        Query { terms: vec![term], model: Some(identity(model)), ..Query::default() }
    }

    /// Puts a query to a library of model "a" with two dimensions.
    #[track_caller]
    fn check(query: &Query, expected_error: Option<&str>) {
        let found = query.check(&identity("a"), 2).err().map(|error| error.to_string());
        assert_eq!(found.as_deref(), expected_error);
    }

    #[test]
    fn a_query_of_the_same_model_is_taken() {
        check(&query("a", &[1.0, 0.0], 1.0), None);
    }

    #[test]
    fn no_terms_need_no_model() {
        check(&Query::default(), None);
    }

    #[test]
    fn another_model_is_refused_by_name() {
        let text = "vectors of b@0 (2 dimensions) cannot be compared with vectors of a@0 (2 dimensions); \
                    index again with the model that you search with";
        check(&query("b", &[1.0, 0.0], 1.0), Some(text));
    }

    #[test]
    fn another_dimension_is_refused() {
        let text = "vectors of a@0 (3 dimensions) cannot be compared with vectors of a@0 (2 dimensions); \
                    index again with the model that you search with";
        check(&query("a", &[1.0, 0.0, 0.0], 1.0), Some(text));
    }

    #[test]
    fn an_empty_text_is_refused() {
        let blank = Query { exact: Some(" \t".to_owned()), ..Query::default() };
        check(&blank, Some("the query is empty; type what the photo shows, or choose a picture"));
    }

    #[test]
    fn a_weight_of_zero_is_refused() {
        let text =
            "a term of the query has the weight 0; give it a number above 0, or below 0 to push such photos away";
        check(&query("a", &[1.0, 0.0], 0.0), Some(text));
    }

    #[test]
    fn a_negative_term_gives_nothing_to_photos_unlike_it() {
        let term = Term { vector: UnitVector::normalised(vec![1.0]).unwrap(), weight: -2.0 };
        assert_eq!([0.5, 0.0, -0.5].map(|cosine| term.contribution(cosine)), [-1.0, 0.0, 0.0]);
        assert!(term.contribution(f32::NAN).is_nan());
    }
}
