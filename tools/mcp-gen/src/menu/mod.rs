//! The menu: which calls a client may make at a server, each rendered once, drawn by weight.

mod dressed;
mod fill;
mod hearing;
mod labels;
mod order;
mod placeholder;
mod spelled;

pub use dressed::read_token;
pub use fill::{Fill, Filled, Occasion};
pub use hearing::Hearing;
pub use labels::{Label, Labels};
pub use order::Order;
pub use spelled::check;

use crate::dice;
use protocol::template::Template;

/// A call that can be made.
#[derive(Clone, Debug)]
pub struct Dish {
    /// Its row.
    pub label: u16,
    /// Its bytes.
    pub template: Template,
    /// What differs from one call to the next, where something does.
    pub fill: Option<Box<Fill>>,
    /// Its place in a sequence, where it is a step of one.
    pub step: Option<Box<Step>>,
}

/// A step of a sequence.
#[derive(Clone, Debug)]
pub struct Step {
    /// From 0.
    pub number: u16,
    /// What is taken from its answer: places of values, and JSON pointers into the result.
    pub take: Vec<(usize, String)>,
    /// How many values the whole sequence takes.
    pub values: usize,
}

/// A call, or the calls of a sequence, and how often it is drawn beside the others.
pub struct Item {
    weight: f64,
    dishes: Vec<Dish>,
}

/// The calls that can be made at one server, those of each group beside each other.
#[derive(Clone, Debug, Default)]
pub struct Menu {
    dishes: Vec<Dish>,
    parts: Vec<Part>,
}

/// What one group may call.
#[derive(Clone, Debug, Default)]
struct Part {
    /// Upper edges of the items' shares of 0 to 1.
    edges: Vec<f64>,
    /// Of each item, its first dish and how many there are.
    items: Vec<(usize, u16)>,
    /// What is wanted besides answers.
    hearing: Hearing,
}

/// Where a client is on its menu: calls of a sequence come one after the other.
#[derive(Clone, Copy, Debug, Default)]
pub struct Cursor {
    /// Whose menu it is on.
    home: u16,
    /// The index of the first call of the item.
    from: u64,
    /// How many items came before.
    item: u64,
    first_dish: usize,
    /// How many calls the item has; 0 before the first one is drawn.
    calls: u16,
}

impl Cursor {
    /// Ends the item at the call with this index, which is none of its first.
    pub fn leave(&mut self, index: u64) {
        self.calls = index.saturating_sub(self.from).max(1) as u16;
    }
}

impl Menu {
    /// Adds the calls of the next group.
    fn add(&mut self, items: Vec<Item>, hearing: Hearing) {
        let total: f64 = items.iter().map(|i| i.weight).sum();
        let mut sum = 0.0;
        let mut part = Part {
            hearing,
            ..Part::default()
        };
        for Item { weight, mut dishes } in items {
            sum += weight / total;
            part.edges.push(sum);
            part.items.push((self.dishes.len(), dishes.len() as u16));
            self.dishes.append(&mut dishes);
        }
        self.parts.push(part);
    }

    /// Whether calls of a group belong together, so that its clients need a [`Cursor`].
    #[must_use]
    pub fn has_sequences(&self, group: u16) -> bool {
        let items = self.parts[usize::from(group)].items.iter();
        items
            .clone()
            .any(|(first, _)| self.dishes[*first].step.is_some())
    }

    /// The call that client `client` of a group makes as its `index`-th, where calls don't belong together: a function of
    /// the seed.
    #[must_use]
    pub fn draw(&self, group: u16, seed: u64, client: u32, index: u64) -> usize {
        self.item(group, seed, client, index).0
    }

    /// The same where they do, on the menu of `home`. The cursor only goes forward.
    pub fn seek(
        &self,
        (cursor, home): (&mut Cursor, u16),
        group: u16,
        seed: u64,
        client: u32,
        index: u64,
    ) -> usize {
        if cursor.home != home && cursor.calls > 0 {
            // The same throw, on another menu.
            (cursor.first_dish, cursor.calls) = self.item(group, seed, client, cursor.item);
        }
        cursor.home = home;
        while cursor.calls == 0 || index >= cursor.from + u64::from(cursor.calls) {
            if cursor.calls > 0 {
                cursor.from += u64::from(cursor.calls);
                cursor.item += 1;
            }
            (cursor.first_dish, cursor.calls) = self.item(group, seed, client, cursor.item);
        }
        cursor.first_dish + index.saturating_sub(cursor.from) as usize
    }

    fn item(&self, group: u16, seed: u64, client: u32, number: u64) -> (usize, u16) {
        let x = dice::fraction(seed, u64::from(client), number);
        let Part { edges, items, .. } = &self.parts[usize::from(group)];
        items[edges
            .partition_point(|&edge| edge <= x)
            .min(items.len() - 1)]
    }

    /// What clients of a group want to hear without asking each time.
    #[must_use]
    pub fn hearing(&self, group: u16) -> &Hearing {
        &self.parts[usize::from(group)].hearing
    }

    /// A call of the menu.
    #[must_use]
    pub fn dish(&self, i: usize) -> &Dish {
        &self.dishes[i]
    }

    /// The share (0 to 1) that calls with this label have among those of its group.
    #[must_use]
    pub fn share(&self, group: u16, label: u16) -> f64 {
        let Part { edges, items, .. } = &self.parts[usize::from(group)];
        let lower = std::iter::once(0.0).chain(edges.iter().copied());
        let (mut all, mut own) = (0.0, 0.0);
        for ((first, calls), (a, b)) in items.iter().zip(lower.zip(edges)) {
            let dishes = &self.dishes[*first..first + usize::from(*calls)];
            all += (b - a) * dishes.len() as f64;
            own += (b - a) * dishes.iter().filter(|d| d.label == label).count() as f64;
        }
        own / all
    }
}
