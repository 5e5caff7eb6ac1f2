"""Who a manifest is from: its author's key pair signs it (Ed25519, RFC 8032).

A bundle is often public before it is on a board, for instance in a pull request. A password in it could be
copied by whoever reads it; a signature under its content cannot be put under any other content.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

OWNER, SIGNATURE = "owner", "signature"
KEY_BYTES = 32


def make_key() -> bytes:
    """A fresh private key, 32 bytes."""
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

    return Ed25519PrivateKey.generate().private_bytes_raw()


def sign(content: Mapping[str, Any], key: bytes) -> dict[str, Any]:
    """Plain data with its author's public key and a signature under all of it.

    Args:
        content: Plain data.
        key: The author's private key, 32 bytes.

    Raises:
        ValueError: If the key has another length.

    Example:
        >>> key = make_key()
        >>> find_owner(sign({"method": "mine"}, key)) == find_owner(sign({"method": "other"}, key))
        True
    """
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

    private = Ed25519PrivateKey.from_private_bytes(key)
    signed = {**content, OWNER: private.public_key().public_bytes_raw().hex()}
    return {**signed, SIGNATURE: private.sign(_encode(signed)).hex()}


def find_owner(content: Mapping[str, Any]) -> str:
    """The public key that plain data is signed with, 64 hexadecimal digits.

    Raises:
        ValueError: If there is no signature, or it belongs to other data or another key.
    """
    from cryptography.exceptions import InvalidSignature
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

    owner, signature = content.get(OWNER), content.get(SIGNATURE)
    if not isinstance(owner, str) or not isinstance(signature, str):
        raise ValueError("there is no signature")
    public = Ed25519PublicKey.from_public_bytes(bytes.fromhex(owner))
    signed = {name: value for name, value in content.items() if name != SIGNATURE}
    try:
        public.verify(bytes.fromhex(signature), _encode(signed))
    except InvalidSignature as error:
        raise ValueError("the signature belongs to other content or another key") from error
    return public.public_bytes_raw().hex()


def _encode(content: Mapping[str, Any]) -> bytes:
    return json.dumps(content, sort_keys=True, separators=(",", ":")).encode()
