//! Things under small numbers that are used again.

use std::marker::PhantomData;

/// A number of a place.
pub(super) trait Place: Copy {
    fn of(place: u32) -> Self;
    fn place(self) -> u32;
}

#[derive(Clone, Debug)]
pub(super) struct Slab<I, T> {
    places: Vec<Option<T>>,
    free: Vec<u32>,
    of: PhantomData<I>,
}

impl<I, T> Default for Slab<I, T> {
    fn default() -> Slab<I, T> {
        Slab { places: Vec::new(), free: Vec::new(), of: PhantomData }
    }
}

impl<I: Place, T> Slab<I, T> {
    pub(super) fn insert(&mut self, thing: T) -> I {
        let place = self.free.pop().unwrap_or_else(|| {
            self.places.push(None);
            self.places.len() as u32 - 1
        });
        self.places[place as usize] = Some(thing);
        I::of(place)
    }

    pub(super) fn remove(&mut self, id: I) -> Option<T> {
        let thing = self.places.get_mut(id.place() as usize)?.take()?;
        self.free.push(id.place());
        Some(thing)
    }

    pub(super) fn get(&self, id: I) -> Option<&T> {
        self.places.get(id.place() as usize)?.as_ref()
    }

    pub(super) fn get_mut(&mut self, id: I) -> Option<&mut T> {
        self.places.get_mut(id.place() as usize)?.as_mut()
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = (I, &T)> {
        let numbered = self.places.iter().zip(0u32..);
        numbered.filter_map(|(thing, place)| Some((I::of(place), thing.as_ref()?)))
    }

    pub(super) fn values_mut(&mut self) -> impl Iterator<Item = &mut T> {
        self.places.iter_mut().flatten()
    }

    pub(super) fn values(&self) -> impl Iterator<Item = &T> {
        self.places.iter().flatten()
    }
}
