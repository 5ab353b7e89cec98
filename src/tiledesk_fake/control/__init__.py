"""The control API of `tiledesk-fake serve`, and its worlds: what a test in any language asks of a fake.

    worlds, security <- app
    problems, description, page, waiting, shapes, reading <- call <- hearing <- operations <- api
                                                             <- app, when the control API is first called

`app` stands before the fake and decides whose a request is. Nothing here does what `TiledeskFake` cannot, and
`TiledeskFake` knows nothing of this.
"""
