"""Invented names and places of the demo clinic. Written for this project; any likeness is chance."""


def _words(text: str) -> tuple[str, ...]:
    return tuple(text.split())


WOMEN_EN = _words(
    """
    Abigail Adele Alana Amelia Audrey Beatrice Bethany Bonnie Brenda Camille Carol Celeste Charlotte
    Claire Colleen Daphne Deborah Delia Diane Edith Eleanor Elise Emma Esther Evelyn Faith Fiona
    Florence Frances Gail Gemma Georgia Gloria Grace Gwen Hannah Harriet Hazel Helen Imogen Irene Ivy
    Jane Janet Joan Josie Joyce Judith June Katherine Laura Leah Lillian Lois Louise Lydia Mabel
    Margaret Marian Martha Maud Megan Mildred Miriam Molly Nadine Nora Olive Opal Pamela Patience
    Penelope Phoebe Priscilla Rachel Rebecca Rhoda Rosalind Ruth Sarah Sheila Sylvia Tessa Thelma
    Theresa Ursula Valerie Vera Violet Wendy Willa
    """
)
MEN_EN = _words(
    """
    Aaron Abel Adam Albert Alvin Amos Andrew Arthur Barry Benjamin Bernard Boyd Bruce Calvin Carl Cedric
    Charles Chester Clark Clyde Colin Curtis Dale Daniel Dennis Douglas Duncan Earl Edgar Edwin Elias
    Elliot Ernest Ethan Eugene Felix Floyd Frank Frederick Gavin George Gerald Gilbert Glenn Gordon
    Grant Harold Harvey Henry Herbert Howard Hugh Isaac Ivan Jasper Jerome Joel Jonas Keith Kenneth
    Lawrence Leon Leroy Lewis Lloyd Marcus Martin Maurice Milton Morris Nathan Neil Norman Oliver Oscar
    Otis Percy Philip Ralph Raymond Roland Roy Rufus Russell Samuel Seth Silas Simon Stanley Theodore
    Thomas Vernon Victor Walter
    """
)
WOMEN_ES = _words(
    """
    Adela Alba Alejandra Alma Amparo Ana Araceli Aurora Beatriz Belén Blanca Carmen Catalina Celia Clara
    Consuelo Dolores Elena Elvira Esperanza Estela Eugenia Eva Fátima Gabriela Graciela Guadalupe Inés
    Irma Isabel Josefina Juana Laura Leticia Lourdes Lucía Luisa Luz Manuela Marcela María Maribel
    Marisol Mercedes Mónica Natalia Noemí Norma Paloma Paula Pilar Raquel Rocío Rosa Rosario Sara Silvia
    Sofía Soledad Susana Teresa Valeria Verónica Victoria Ximena Yolanda
    """
)
MEN_ES = _words(
    """
    Adrián Agustín Alberto Alfonso Álvaro Andrés Ángel Antonio Armando Arturo Benito Carlos César
    Cristóbal Damián Daniel David Diego Eduardo Emilio Enrique Ernesto Esteban Federico Felipe Fernando
    Francisco Gabriel Gerardo Gonzalo Guillermo Gustavo Héctor Hugo Ignacio Iván Jacinto Javier Joaquín
    Jorge José Juan Julio Leandro Lorenzo Luis Manuel Marcos Mario Mateo Miguel Nicolás Octavio Pablo
    Pedro Rafael Ramón Raúl Ricardo Roberto Rodrigo Rubén Salvador Santiago Sergio Tomás Vicente
    """
)
LAST_EN = _words(
    """
    Abbott Alder Ames Archer Ashby Atwood Baines Barlow Beckett Bell Birch Blakely Booth Bowers Bramble
    Brandt Briggs Brock Burrows Cantwell Carver Chandler Coates Colby Conway Cotter Crane Croft Dalton
    Darby Dawes Denton Doyle Draper Dunmore Eastman Ellery Emerson Fairley Farrow Fenwick Fields Finch
    Fletcher Foley Garland Garrick Gilmore Glover Granger Hadley Hale Harding Harlow Hartwell Hastings
    Haywood Heath Hobbs Hollis Hooper Hurst Ingram Ives Jarvis Keating Kemp Kendrick Kirby Langley
    Larkin Leland Lockwood Lowell Mather Mercer Merritt Monroe Nash Newell Norwood Oakley Ogden Parrish
    Paxton Pickett Prescott Quigley Radcliff Ramsey Redmond Rowley Sawyer Selby Shelby Sinclair Stafford
    Stoddard Tanner Thatcher Tilden Townsend Underhill Vance Wainwright Walden Weaver Whitaker Winslow
    Yardley York
    """
)
LAST_ES = _words(
    """
    Acosta Aguilar Alarcón Alonso Arango Arroyo Ayala Barrera Benítez Blanco Bravo Calderón Camacho Cano
    Cárdenas Castaño Cordero Cortés Cruz Cuevas Delgado Domínguez Duarte Escobar Espinoza Esquivel
    Figueroa Flores Fuentes Gallegos Garza Guerra Herrera Ibarra Iglesias Jiménez Lara León Lozano Luna
    Macías Maldonado Marín Medina Mejía Mendoza Molina Montes Mora Muñoz Navarro Núñez Ochoa Ortega
    Pacheco Padilla Palacios Paredes Peña Pineda Quintero Ramos Reyes Ríos Robles Rojas Rosales Salazar
    Salinas Santos Serrano Sierra Solís Tapia Toledo Trujillo Valdez Valencia Vargas Vega Velasco Vera
    Villalobos Zamora Zúñiga
    """
)
STREETS = _words(
    """
    Alder Ash Bay Beacon Birch Bluff Bridge Canal Cedar Chapel Cherry Clover College Cottage Creek Dock
    Elm Ferry Fern Forge Garden Granite Grove Harbor Hawthorn Hazel High Hill Holly Juniper Lake Laurel
    Library Linden Locust Maple Market Meadow Mill Mulberry Orchard Park Pearl Pine Plum Pond Poplar
    Prospect Quarry Railroad Ridge River School Spring Spruce Summit Sycamore Tanner Union Valley Vine
    Walnut Water Willow
    """
)
STREET_KINDS = ("Street", "Avenue", "Road", "Lane", "Court", "Drive")
TOWNS = (
    ("Riverbend", "04901"),
    ("Alder Falls", "04902"),
    ("Port Linden", "04903"),
    ("Stonebridge", "04905"),
    ("Marlow", "04906"),
    ("Quarry Hill", "04909"),
)
PROVIDERS = (
    "Dr. Odile Fenwick", "Dr. Tomás Quintero", "Dr. Priya Raman", "Dr. Samuel Okoro", "Nurse Paxton",
    "Dr. Helen Voss", "Dr. Lucía Arango", "Nurse Bramble",
)  # fmt: skip
LOCATIONS = ("Riverbend Clinic, 12 Harbor Street", "Alder Falls Annex, 3 Mill Road")
COMPANIES = (
    "Linden Family Practice", "Harbor Imaging Center", "Marlow Laboratory", "Stonebridge Physical Therapy",
    "Quarry Hill Pediatrics", "Fern & Holly Pharmacy", "Northbank Health Plan", "Alder Medical Supply",
)  # fmt: skip
# Names that people type with plain letters, in the place of others: a longer list would make another clinic.
WRITTEN = {"Conway": "O’Brien", "Kirby": "Łuczak", "Hale": "Groß", "Marín": "Muñoz-Díaz"}
