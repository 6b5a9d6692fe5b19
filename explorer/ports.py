"""Whether a port can be listened on, told before anything heavy starts."""

from __future__ import annotations

import socket

from explorer.errors import BadParameter

__all__ = ["FIRST_PORT", "answers", "check_port", "port_refused", "refusal"]

FIRST_PORT = 5006  # as Panel has it
_LAST_PORT = 65535
_ANSWER_S = 1.0


def check_port(address: str, port: int) -> None:
    """Refuse a port that nobody can listen on.

    Raises
    ------
    BadParameter
        With the system's reason.
    """
    if not 0 < port <= _LAST_PORT:
        raise BadParameter("--port", port, f"give 1 to {_LAST_PORT:,}.")
    error = refusal(address, port)
    if error is not None:
        raise port_refused(address, port, error)


def port_refused(address: str, port: int, error: OSError) -> BadParameter:
    """Make the sentence that says why a port cannot be listened on."""
    reason = (error.strerror or str(error)).lower()
    return BadParameter("--port", port, f"{address} cannot be listened on there ({reason}). Name another port or address.")


def refusal(address: str, port: int) -> OSError | None:
    """Why nobody can listen there, or None."""
    try:
        families = socket.getaddrinfo(address, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
        for family, kind, protocol, _, where in families:
            with socket.socket(family, kind, protocol) as probe:
                probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                probe.bind(where)
    except OSError as error:
        return error
    return None


def answers(address: str, port: int) -> bool:
    """Whether somebody listens there."""
    try:
        with socket.create_connection((address, port), _ANSWER_S):
            return True
    except OSError:
        return False
