//! The parts of a folder that look most like a part, and what they score. In: embeddings and scores of whole parts. Out: a
//! score that its likes have a say in: one odd patch counts less where parts that look the same have none. MuSc's RsCIN
//! (Li et al. 2024, section 3.4), but on raw scores: its min-max over the folder changes no ranking and would make scores
//! that mean something else in every folder.

use crate::models::UnitVector;

/// So many others have a say (MuSc: means over the nearest 1, 2 and 3, the part itself among them).
const PEERS: usize = 2;

/// A like part: how like (cosine), and its own score.
pub type Peer = (f32, f32);

/// The parts of a folder.
#[derive(Default)]
pub struct Peers {
    vectors: Vec<UnitVector>,
    scores: Vec<f32>,
}

impl Peers {
    /// Parts by what they look like as a whole, with their own scores.
    pub fn new(vectors: Vec<UnitVector>, scores: Vec<f32>) -> Self {
        Self { vectors, scores }
    }

    /// Whether nobody has a say.
    pub fn is_empty(&self) -> bool {
        self.vectors.is_empty()
    }

    /// The peers of each of the parts themselves.
    pub fn of_each(&self) -> Vec<Vec<Peer>> {
        self.vectors.iter().enumerate().map(|(at, vector)| self.of(vector, Some(at))).collect()
    }

    /// The parts most like one that looks like `vector`, but not part `left_out` itself; the most like one first.
    pub fn of(&self, vector: &UnitVector, left_out: Option<usize>) -> Vec<Peer> {
        let others = self.vectors.iter().zip(&self.scores).enumerate().filter(|(at, _)| Some(*at) != left_out);
        let mut peers: Vec<Peer> = others.map(|(_, (other, score))| (vector.cosine(other), *score)).collect();
        // Stable: of parts that are as like, the earlier one.
        peers.sort_by(|a, b| b.0.total_cmp(&a.0));
        peers.truncate(PEERS);
        peers
    }
}

/// The mean, over the part alone, with its first peer, with its first two, of their scores weighted by likeness.
pub fn rescored(score: f32, peers: &[Peer]) -> f32 {
    let (mut weights, mut sum, mut means) = (1.0, score, score);
    for (likeness, other) in peers {
        let likeness = likeness.max(0.0);
        (weights, sum) = (weights + likeness, sum + likeness * other);
        means += sum / weights;
    }
    means / (peers.len() + 1) as f32
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn without_peers_a_score_stays_and_with_equal_ones_too() {
        assert_eq!(rescored(0.5, &[]), 0.5);
        assert!((rescored(0.5, &[(0.9, 0.5), (0.8, 0.5)]) - 0.5).abs() < 1e-6);
    }

    #[test]
    fn each_peer_counts_by_its_likeness() {
        let expected = (1.0 + (1.0 + 0.5 * 4.0) / 1.5 + (1.0 + 0.5 * 4.0 + 0.25 * 2.0) / 1.75) / 3.0;
        assert!((rescored(1.0, &[(0.5, 4.0), (0.25, 2.0)]) - expected).abs() < 1e-6);
        assert_eq!(rescored(1.0, &[(-0.5, 4.0)]), 1.0);
    }

    #[test]
    fn the_most_like_parts_are_asked_and_never_the_part_itself() {
        let vector = |x: f32, y: f32| UnitVector::normalised(vec![x, y]).unwrap();
        let peers = Peers {
            vectors: vec![vector(1.0, 0.0), vector(0.0, 1.0), vector(1.0, 1.0), vector(1.0, 0.2)],
            scores: vec![1.0, 2.0, 3.0, 4.0],
        };
        let scores = |left_out| peers.of(&vector(1.0, 0.0), left_out).iter().map(|peer| peer.1).collect::<Vec<_>>();
        assert_eq!(scores(Some(0)), [4.0, 3.0]);
        assert_eq!(scores(None), [1.0, 4.0]);
    }
}
