"""What may be said of a product, and how an update changes one."""

from __future__ import annotations

import re

import msgspec

from sycee.kernel.clock import Instant
from sycee.kernel.refusal import NotFound
from sycee.services.checkout.contract.catalog import (
    DefaultPriceInvalid,
    Price,
    Product,
    ProductFields,
    ProductHasPrices,
    ProductId,
    ProductInvalid,
)
from sycee.services.checkout.domain.texts import (
    changed_metadata,
    changed_text,
    check_texts,
    former_metadata,
)

IMAGES_MAX = 8
FEATURES_MAX = 15
FEATURE_LENGTH_MAX = 80
LIMITS = {"name": 250, "description": 40_000, "unit_label": 12, "url": 2048}
_DESCRIPTOR = re.compile(r"(?=.*[A-Za-z])[^<>\\'\"*]{5,22}")
_WEB = re.compile(r"https?://[^\s/]+\S*")
_SHOWN_ALIKE = (
    "name",
    "active",
    "description",
    "images",
    "shippable",
    "statement_descriptor",
    "unit_label",
    "url",
    "default_price",
)
"""Fields whose public shape is the contract's own."""


def check_fields(fields: ProductFields) -> None:
    """Refuse what is too long, too many or not of its form."""
    if fields.name is not None and not fields.name.strip():
        raise ProductInvalid("name must not be empty.", param="name")
    texts = {
        "name": fields.name,
        "description": fields.description,
        "unit_label": fields.unit_label,
        "url": fields.url,
    }
    check_texts(texts, LIMITS)
    _check_descriptor(fields.statement_descriptor)
    _check_addresses(fields)
    _check_features(fields.marketing_features or ())


def named(fields: ProductFields) -> str:
    """The name, without which there is no product."""
    if fields.name is None:
        raise ProductInvalid("name is missing.", param="name")
    return fields.name


def changed(before: Product, fields: ProductFields, now: Instant) -> Product:
    """The product after an update; one that changes nothing leaves it as it is."""
    after = msgspec.structs.replace(
        before,
        name=fields.name or before.name,
        active=before.active if fields.active is None else fields.active,
        description=changed_text(before.description, fields.description),
        images=before.images if fields.images is None else fields.images,
        marketing_features=(
            before.marketing_features
            if fields.marketing_features is None
            else fields.marketing_features
        ),
        metadata=changed_metadata(before.metadata, fields.metadata),
        shippable=before.shippable if fields.shippable is None else fields.shippable,
        statement_descriptor=changed_text(before.statement_descriptor, fields.statement_descriptor),
        unit_label=changed_text(before.unit_label, fields.unit_label),
        url=changed_text(before.url, fields.url),
        default_price=before.default_price
        if fields.default_price is None
        else fields.default_price,
    )
    return before if after == before else msgspec.structs.replace(after, updated=now)


def previous(before: Product, after: Product) -> dict[str, object]:
    """Former values of what an update changed, in the public shape."""
    former: dict[str, object] = {
        name: getattr(before, name)
        for name in _SHOWN_ALIKE
        if getattr(before, name) != getattr(after, name)
    }
    if before.marketing_features != after.marketing_features:
        former["marketing_features"] = [{"name": name} for name in before.marketing_features]
    if before.metadata != after.metadata:
        former["metadata"] = former_metadata(before.metadata, after.metadata)
    return former


def existing(product: Product | None, wanted: ProductId) -> Product:
    """The product, unless it is unknown or foreign."""
    if product is None:
        raise NotFound(f"No such product: '{wanted}'", param="product")
    return product


def check_default(product: ProductId, price: Price | None) -> None:
    """Refuse a default price that is not this product's own, or archived."""
    if price is None or price.product != product or not price.active:
        raise DefaultPriceInvalid(
            "The default price must be an active price of this product.", param="default_price"
        )


def check_deletable(product: ProductId, has_prices: bool) -> None:
    """Refuse to delete what somebody may have been asked a price for."""
    if has_prices:
        raise ProductHasPrices(
            f"{product} has prices and cannot be deleted; set active to false instead."
        )


def _check_descriptor(descriptor: str | None) -> None:
    if descriptor and not _DESCRIPTOR.fullmatch(descriptor):
        raise ProductInvalid(
            "statement_descriptor has 5 to 22 characters with a letter among them, and none of"
            " < > \\ ' \" *",
            param="statement_descriptor",
        )


def _check_addresses(fields: ProductFields) -> None:
    images = fields.images or ()
    if len(images) > IMAGES_MAX:
        raise ProductInvalid(f"images holds at most {IMAGES_MAX} addresses.", param="images")
    if fields.url and not _WEB.fullmatch(fields.url):
        raise ProductInvalid("url must begin with http:// or https://.", param="url")
    for image in images:
        if len(image) > LIMITS["url"] or not _WEB.fullmatch(image):
            raise ProductInvalid("images holds addresses of http or https.", param="images")


def _check_features(features: tuple[str, ...]) -> None:
    if len(features) > FEATURES_MAX:
        raise ProductInvalid(
            f"marketing_features holds at most {FEATURES_MAX}.", param="marketing_features"
        )
    if any(not 0 < len(feature) <= FEATURE_LENGTH_MAX for feature in features):
        raise ProductInvalid(
            f"A marketing feature has 1 to {FEATURE_LENGTH_MAX} characters.",
            param="marketing_features",
        )
