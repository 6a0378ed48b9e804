//! Listeners of the data path that can be closed and opened again while the sidecar runs.

use std::io;
use std::net::{SocketAddr, TcpListener as StdListener};
use std::sync::{Arc, Mutex, PoisonError};

use sekisho_safety::Side;
use tokio::sync::watch;

use super::inherited::Opened;

/// The socket that is accepted from now; `None` while the side is closed.
pub type Socket = watch::Receiver<Option<Arc<StdListener>>>;

/// One side of the service, as it is exposed. All workers accept from clones of its socket; closed means that no socket is left,
/// so that the system refuses connections.
#[derive(Debug)]
pub struct Exposure {
    address: SocketAddr,
    socket: watch::Sender<Option<Arc<StdListener>>>,
    /// One that others hold as well cannot be bound again. While the side is closed nobody accepts from it: who connects waits.
    inherited: Option<Arc<StdListener>>,
    /// Held by whoever opens or closes.
    turn: Mutex<()>,
}

/// Both sides.
#[derive(Debug, Default)]
pub struct Exposures {
    /// Where requests to the service come in.
    pub ingress: Option<Exposure>,
    /// Where requests of the service go out.
    pub egress: Option<Exposure>,
}

impl Exposure {
    /// A side that is open at a socket.
    ///
    /// # Errors
    ///
    /// When the system does not say where that is.
    pub fn new(Opened { socket, inherited }: Opened) -> io::Result<Self> {
        let (address, socket) = (socket.local_addr()?, Arc::new(socket));
        let inherited = inherited.then(|| Arc::clone(&socket));
        Ok(Self { address, socket: watch::Sender::new(Some(socket)), inherited, turn: Mutex::default() })
    }

    /// Where it is, when it is open.
    #[must_use]
    pub const fn address(&self) -> SocketAddr {
        self.address
    }

    /// For a worker.
    #[must_use]
    pub fn socket(&self) -> Socket {
        self.socket.subscribe()
    }

    fn set(&self, open: bool) -> io::Result<()> {
        let _turn = self.turn.lock().unwrap_or_else(PoisonError::into_inner);
        if self.socket.borrow().is_some() == open {
            return Ok(());
        }
        let socket = match &self.inherited {
            _ if !open => None,
            Some(inherited) => Some(Arc::clone(inherited)),
            None => Some(Arc::new(self.bind()?)),
        };
        self.socket.send_replace(socket);
        Ok(())
    }

    fn bind(&self) -> io::Result<StdListener> {
        let socket = StdListener::bind(self.address)?;
        socket.set_nonblocking(true)?;
        Ok(socket)
    }
}

impl Exposures {
    /// Whether policy has this side.
    #[must_use]
    pub const fn has(&self, side: Side) -> bool {
        self.of(side).is_some()
    }

    /// Opens or closes a side; it may be so already.
    ///
    /// # Errors
    ///
    /// When somebody else has taken its address. It stays closed.
    pub fn set(&self, side: Side, open: bool) -> io::Result<()> {
        self.of(side).map_or(Ok(()), |exposure| exposure.set(open))
    }

    const fn of(&self, side: Side) -> Option<&Exposure> {
        match side {
            Side::Ingress => self.ingress.as_ref(),
            Side::Egress => self.egress.as_ref(),
        }
    }
}

/// A socket that is never closed while the process lives.
#[must_use]
pub fn always(socket: StdListener) -> Socket {
    // Whoever waits for a change is told that none will come.
    watch::Sender::new(Some(Arc::new(socket))).subscribe()
}
