//! Sockets that whoever started the process has opened for it already (`LISTEN_FDS`, as systemd and others pass them).
//!
//! They outlive the process: who connects while it restarts waits for the next one, and nobody is refused.

use std::fmt::Write as _;
use std::io;
use std::net::{SocketAddr, TcpListener};
use std::sync::{Mutex, PoisonError};

use listenfd::ListenFd;

use super::listener;

/// Sockets that have not been taken yet. A listener takes the one at the address that policy gives it.
#[derive(Debug, Default)]
pub struct Inherited(Mutex<Vec<(SocketAddr, TcpListener)>>);

/// A socket that is listened on.
#[derive(Debug)]
pub struct Opened {
    /// The socket.
    pub socket: TcpListener,
    /// Whether it was inherited: then others hold it too, and it is open for as long as they want.
    pub inherited: bool,
}

impl Inherited {
    /// Those that were passed to this process. To be asked once: who asks owns them.
    ///
    /// # Errors
    ///
    /// When something was passed that is no listening TCP socket.
    pub fn of_this_process() -> io::Result<Self> {
        let mut passed = ListenFd::from_env();
        let mut sockets = Vec::new();
        for at in 0..passed.len() {
            let wrong = |error: io::Error| io::Error::new(error.kind(), format!("socket {at} of LISTEN_FDS: {error}"));
            if let Some(socket) = passed.take_tcp_listener(at).map_err(wrong)? {
                socket.set_nonblocking(true).map_err(wrong)?;
                sockets.push((socket.local_addr().map_err(wrong)?, socket));
            }
        }
        Ok(Self(Mutex::new(sockets)))
    }

    /// The inherited socket at `address`, or a new one.
    ///
    /// # Errors
    ///
    /// The system's, with the address in its text.
    pub async fn or_bind(&self, what: &str, address: SocketAddr) -> io::Result<Opened> {
        if let Some(socket) = self.take(address) {
            return Ok(Opened { socket, inherited: true });
        }
        let socket = listener::bind(what, address).await?.into_std()?;
        Ok(Opened { socket, inherited: false })
    }

    fn take(&self, address: SocketAddr) -> Option<TcpListener> {
        let mut sockets = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let at = sockets.iter().position(|(at, _)| *at == address)?;
        Some(sockets.swap_remove(at).1)
    }

    /// Whether all have been taken: one that nobody serves would take connections that nobody answers.
    ///
    /// # Errors
    ///
    /// With the addresses of those that policy has no listener at.
    pub fn all_taken(&self) -> io::Result<()> {
        let sockets = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if sockets.is_empty() {
            return Ok(());
        }
        let mut text = "LISTEN_FDS has sockets at addresses where policy has no listener:".to_owned();
        for (address, _) in &*sockets {
            // Writing into a string cannot fail.
            let _written = write!(text, " {address}");
        }
        Err(io::Error::new(io::ErrorKind::InvalidInput, text))
    }
}
