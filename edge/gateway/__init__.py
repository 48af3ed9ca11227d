"""What runs at a home: reads a meter, keeps readings while the edge is away, and streams them to it.

It knows the SDK only, never the inside of the edge.
"""
