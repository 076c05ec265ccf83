"""Attributes of other libraries have another value in a block, and their own after it."""

import pytest

from hvit_edge.boundary.replaced import added, replaced


class Library:
    one, two = 1, 2


def test_all_attributes_are_replaced_and_restored():
    with replaced(Library, one=10, two=20):
        assert (Library.one, Library.two) == (10, 20)
    assert (Library.one, Library.two) == (1, 2)


def test_an_inner_block_restores_what_the_outer_one_set():
    with replaced(Library, one=10):
        with replaced(Library, one=100):
            assert Library.one == 100
        assert Library.one == 10
    assert Library.one == 1


def test_an_error_in_the_block_restores_them():
    with pytest.raises(ZeroDivisionError), replaced(Library, one=10):
        raise ZeroDivisionError
    assert Library.one == 1


def test_a_property_of_a_class_is_restored():
    class Named:
        name = property(lambda self: "own")

    with replaced(Named, name=property(lambda self: "other")):
        assert Named().name == "other"
    assert Named().name == "own"


def test_a_missing_attribute_is_refused_and_nothing_is_replaced():
    with pytest.raises(AttributeError, match="three"), replaced(Library, one=10, three=3):
        pass
    assert Library.one == 1


class Inheriting(Library):
    pass


def test_an_added_attribute_hides_an_inherited_one_in_the_block():
    with added(Inheriting, one=10, three=3):
        assert (Inheriting.one, Inheriting.three, Library.one) == (10, 3, 1)
        with added(Inheriting, one=100):
            assert Inheriting.one == 100
        assert Inheriting.one == 10
    assert Inheriting.one == 1
    assert not {"one", "three"} & set(vars(Inheriting))
