"""Where Tarnwell's customers shop, whom they pay and which words they remember: the lists `generate` draws from."""

from __future__ import annotations

MERCHANTS = {
    "Bluefin Grocery": (12, 95),
    "Corner Oven Bakery": (3, 18),
    "Harvest Lane Market": (15, 120),
    "Second Story Books": (9, 60),
    "Pinecone Hardware": (8, 160),
    "Tin Kettle Cafe": (3, 16),
    "Railside Diner": (11, 48),
    "Northgate Fuel": (25, 80),
    "Juniper Pharmacy": (6, 70),
    "Loomcraft Clothing": (25, 190),
    "Cloudberry Streaming": (8, 20),
    "Quickstep Shoes": (40, 150),
    "Fernway Garden Center": (14, 130),
    "Pixel Harbor Electronics": (60, 900),
    "Longhaul Airways": (150, 1400),
    "Moonlit Inn": (110, 620),
    "Velo Works": (30, 480),
    "Oakroom Furniture": (90, 1300),
    "Cityline Transit": (3, 40),
    "Paws Parlor": (18, 110),
}
"""Merchant → lowest and highest amount of a purchase there, in dollars."""

CHECKING = ("Everyday Checking", "Household Checking")
SAVINGS = ("Rainy Day Savings", "Holiday Savings", "Car Savings", "Home Savings", "Wedding Savings")

# fmt: off
BILLERS = (
    "Brightwater Utilities", "Redstone Gas", "Lark Internet", "Maple Court Rentals", "Evergreen Insurance",
    "Summit Dental", "Little Acorns Daycare", "Ironbridge Gym", "Clearview Waste", "Harmony Music School",
    "Stonegate Storage", "Wildwood Landscaping",
)
# Words that are no name of a person, a place or a shop, so that no reading tool shows one by chance.
WORDS = (
    "acrobat", "almanac", "anchor", "balloon", "biscuit", "blanket", "buffalo", "cactus", "candle", "cinnamon",
    "compass", "cricket", "curtain", "dolphin", "dragonfly", "feather", "ferry", "galaxy", "glacier", "guitar",
    "hammock", "igloo", "jigsaw", "ladder", "lantern", "lighthouse", "magnet", "mango", "mirror", "mosaic",
    "nectar", "paddle", "parrot", "pebble", "pepper", "pillow", "pretzel", "pumpkin", "quilt", "raccoon",
    "ribbon", "rocket", "saddle", "saffron", "sailboat", "sparrow", "teapot", "thimble", "thunder", "tractor",
    "trumpet", "tulip", "umbrella", "velvet", "violin", "volcano", "waffle", "walnut", "windmill",
)
# fmt: on
