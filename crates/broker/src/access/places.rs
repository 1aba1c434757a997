//! Open streams and sockets, counted in all, by principal and by address.

use super::NotLetIn;
use super::rates::{Allowance, neighbourhood};
use crate::limits;
use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

#[derive(Default)]
pub(super) struct Places {
    taken: AtomicUsize,
    by_address: Mutex<HashMap<IpAddr, usize>>,
}

/// One of the places; given back when it is dropped.
pub(crate) struct Place {
    places: Arc<Places>,
    allowance: Arc<Allowance>,
    /// Of this machine itself none is counted: it may be a proxy, which is everyone.
    address: Option<IpAddr>,
}

impl Places {
    pub(super) fn take(places: &Arc<Places>, allowance: &Arc<Allowance>, address: IpAddr) -> Result<Place, NotLetIn> {
        let address = Some(neighbourhood(address)).filter(|address| !address.is_loopback());
        if let Some(address) = address {
            let mut by_address = places.by_address();
            let taken = by_address.entry(address).or_default();
            if *taken >= limits::PLACES_PER_ADDRESS_MAX {
                let max = limits::PLACES_PER_ADDRESS_MAX;
                return Err(NotLetIn::TooManyPlaces { whose: "from this address", max });
            }
            *taken += 1;
        }
        // From here on it is given back if there is none.
        let place = Place { places: Arc::clone(places), allowance: Arc::clone(allowance), address };
        let of_principal = allowance.places.fetch_add(1, Relaxed);
        let of_all = places.taken.fetch_add(1, Relaxed);
        if of_principal >= limits::PLACES_PER_PRINCIPAL_MAX {
            let max = limits::PLACES_PER_PRINCIPAL_MAX;
            return Err(NotLetIn::TooManyPlaces { whose: "of this principal", max });
        }
        match of_all < limits::PLACES_MAX {
            true => Ok(place),
            false => Err(NotLetIn::TooManyPlaces { whose: "in all", max: limits::PLACES_MAX }),
        }
    }

    fn by_address(&self) -> MutexGuard<'_, HashMap<IpAddr, usize>> {
        self.by_address.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.places.taken.fetch_sub(1, Relaxed);
        self.allowance.places.fetch_sub(1, Relaxed);
        let Some(address) = self.address else { return };
        let mut by_address = self.places.by_address();
        if let Some(taken) = by_address.get_mut(&address) {
            *taken -= 1;
            if *taken == 0 {
                by_address.remove(&address);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn take(places: &Arc<Places>, of: &Arc<Allowance>, address: &str, times: usize) -> Vec<Place> {
        let address = address.parse().unwrap();
        (0..times).map_while(|_| Places::take(places, of, address).ok()).collect()
    }

    #[test]
    fn places_are_bounded_by_address_by_principal_and_in_all_and_come_back() {
        let (places, one, other) = (Arc::<Places>::default(), Arc::<Allowance>::default(), Arc::default());
        let from_one = take(&places, &one, "10.0.0.1", 3_000);
        assert_eq!(from_one.len(), limits::PLACES_PER_ADDRESS_MAX);
        let of_one = take(&places, &one, "127.0.0.1", 20_000);
        assert_eq!(from_one.len() + of_one.len(), limits::PLACES_PER_PRINCIPAL_MAX);
        let of_other = take(&places, &other, "127.0.0.1", 20_000);
        let third = Arc::default();
        assert_eq!(of_other.len(), limits::PLACES_PER_PRINCIPAL_MAX);
        let why = Places::take(&places, &third, "10.0.0.2".parse().unwrap()).err();
        assert_eq!(why, Some(NotLetIn::TooManyPlaces { whose: "in all", max: limits::PLACES_MAX }));
        drop((from_one, of_one, of_other));
        assert_eq!(take(&places, &one, "10.0.0.1", 3_000).len(), limits::PLACES_PER_ADDRESS_MAX);
        assert_eq!(places.taken.load(Relaxed), 0);
        assert!(places.by_address().is_empty());
    }
}
