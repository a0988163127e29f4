//! The menu: which calls a client may make at a server, each rendered once, drawn by weight.

mod labels;
mod order;

pub use labels::{Label, Labels};
pub use order::Order;

use crate::dice;
use protocol::template::Template;

/// A call that can be made.
#[derive(Clone, Debug)]
pub struct Dish {
    /// Its row.
    pub label: u16,
    /// Its bytes.
    pub template: Template,
}

/// The calls that can be made at one server, those of each group beside each other.
#[derive(Clone, Debug, Default)]
pub struct Menu {
    dishes: Vec<Dish>,
    parts: Vec<Part>,
}

/// What one group may call.
#[derive(Clone, Debug)]
struct Part {
    /// Its first dish.
    first: usize,
    /// Upper edges of its dishes' shares of 0 to 1.
    edges: Vec<f64>,
}

impl Menu {
    /// Adds the calls of the next group, with their weights.
    fn add(&mut self, weighted: Vec<(f64, Dish)>) {
        let first = self.dishes.len();
        let total: f64 = weighted.iter().map(|(w, _)| w).sum();
        let mut sum = 0.0;
        let mut edges = Vec::new();
        for (weight, dish) in weighted {
            sum += weight / total;
            edges.push(sum);
            self.dishes.push(dish);
        }
        self.parts.push(Part { first, edges });
    }

    /// The call that client `client` of a group makes as its `index`-th: a function of the seed.
    #[must_use]
    pub fn draw(&self, group: u16, seed: u64, client: u32, index: u64) -> usize {
        let x = dice::fraction(seed, u64::from(client), index);
        let Part { first, edges } = &self.parts[usize::from(group)];
        first
            + edges
                .partition_point(|&edge| edge <= x)
                .min(edges.len() - 1)
    }

    /// A call of the menu.
    #[must_use]
    pub fn dish(&self, i: usize) -> &Dish {
        &self.dishes[i]
    }

    /// The share (0 to 1) that calls with this label have among those of its group.
    #[must_use]
    pub fn share(&self, label: u16) -> f64 {
        let parts = self.parts.iter();
        parts
            .flat_map(|Part { first, edges }| {
                let lower = std::iter::once(0.0).chain(edges.iter().copied());
                self.dishes[*first..].iter().zip(lower.zip(edges))
            })
            .filter(|(d, _)| d.label == label)
            .map(|(_, (a, b))| b - a)
            .sum()
    }
}
