PUBLISHED = ()


class Published:
    pass
