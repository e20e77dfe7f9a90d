//! What can be undone and redone: edits of the query, and what the person makes of photos.

use sightline_core::engine::Made;

use super::Query;

/// So many steps can be undone.
const STEPS: usize = 200;

/// Something to go back to.
#[derive(Debug, Clone, PartialEq)]
pub enum Edit {
    /// The query as it was.
    Query(Box<Query>),
    /// What the person made, as it was, and what the change is called.
    Made {
        /// The values to put back.
        things: Vec<Made>,
        /// "3 photos tagged".
        name: String,
    },
}

/// What can be undone and redone.
#[derive(Debug, Default)]
pub struct History {
    past: Vec<Edit>,
    future: Vec<Edit>,
}

impl History {
    /// Something was changed; `edit` goes back to what was before.
    pub fn push(&mut self, edit: Edit) {
        self.future.clear();
        self.push_past(edit);
    }

    /// The newest edit, to be undone.
    pub fn undo(&mut self) -> Option<Edit> {
        self.past.pop()
    }

    /// The newest undone edit, to be done again.
    pub fn redo(&mut self) -> Option<Edit> {
        self.future.pop()
    }

    /// An edit was undone; this one does it again.
    pub fn push_future(&mut self, edit: Edit) {
        self.future.push(edit);
    }

    /// An edit was done again; this one undoes it.
    pub fn push_past(&mut self, edit: Edit) {
        self.past.push(edit);
        if self.past.len() > STEPS {
            self.past.remove(0);
        }
    }

    /// Whether there is something to undo.
    pub fn can_undo(&self) -> bool {
        !self.past.is_empty()
    }

    /// Whether there is something to do again.
    pub fn can_redo(&self) -> bool {
        !self.future.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn edit(draft: &str) -> Edit {
        Edit::Query(Box::new(Query { draft: draft.to_owned(), ..Query::default() }))
    }

    #[test]
    fn a_new_edit_ends_what_could_be_done_again() {
        let mut history = History::default();
        history.push(edit("a"));
        let undone = history.undo().unwrap();
        history.push_future(undone);
        assert!(history.can_redo());
        history.push(edit("b"));
        assert!(!history.can_redo() && history.can_undo());
    }

    #[test]
    fn old_edits_are_forgotten() {
        let mut history = History::default();
        (0..2 * STEPS).for_each(|i| history.push(edit(&i.to_string())));
        assert_eq!(history.past.len(), STEPS);
        assert_eq!(history.undo(), Some(edit(&(2 * STEPS - 1).to_string())));
    }
}
