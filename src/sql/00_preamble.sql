-- Built from src/sql/*.sql; edit the parts, not the product.
\echo Use "CREATE EXTENSION interact" to load this file. \quit

